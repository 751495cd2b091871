import type { Client, FTPResponse } from 'basic-ftp';
import { after } from '../agent/pause';

/** RFC 959 §5.4: what answers NOOP. */
const OKAY = 200;

/** The one place through which basic-ftp passes all replies; it is not among its public typings. */
interface Context {
  _passToHandler(response: Error | FTPResponse): void;
}

/**
 * NOOPs on the control connection while a transfer runs, as clients send them that want to keep it alive.
 *
 * basic-ftp knows no such thing: it would take the reply to a NOOP for the transfer's. A server may answer at
 * once, or, as many do, when the transfer is over. So as many replies 200 as there were NOOPs are kept from it;
 * nothing that a transfer asks is answered with 200.
 */
export class Noops {
  private waiting = 0;
  private readonly timer: NodeJS.Timeout;
  private onAnswered = (): void => undefined;

  /** @param every seconds between two */
  constructor(
    private readonly client: Client,
    every: number,
  ) {
    const context = client.ftp as unknown as Context;
    const passOn = context._passToHandler.bind(context);
    context._passToHandler = (response) => {
      if (this.waiting > 0 && !(response instanceof Error) && response.code === OKAY) this.answer();
      else passOn(response);
    };
    this.timer = setInterval(() => {
      if (client.closed) return;
      this.waiting += 1;
      client.ftp.send('NOOP');
    }, every * 1000);
  }

  /**
   * Sends no more, and waits until all are answered: what is asked next must not get their replies.
   *
   * @param patience seconds
   * @throws an Error when one stays unanswered
   */
  async answered(patience: number): Promise<void> {
    clearInterval(this.timer);
    if (this.waiting === 0 || this.client.closed) return;
    await new Promise<void>((resolve, reject) => {
      const timer = after(patience, () => {
        reject(new Error(`no reply to ${this.waiting} NOOP within ${patience} s`));
      });
      this.onAnswered = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private answer(): void {
    this.waiting -= 1;
    if (this.waiting === 0) this.onAnswered();
  }

  /** Sends no more. */
  end(): void {
    clearInterval(this.timer);
    delete (this.client.ftp as unknown as Partial<Context>)._passToHandler;
  }
}
