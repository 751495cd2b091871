import { PassThrough } from 'node:stream';
import type Dockerode from 'dockerode';
import { LineSplitter } from '../../agent/lines';
import { LabFailure, MAX_READ } from '../host';
import { demux } from './demux';

/**
 * The shell that is a container's first process (lab/images/host.sh): it reads files and sends signals
 * on request. A line to it takes a millisecond, where an exec of the engine's takes fifty.
 *
 * The container lives as long as this connection.
 */
export class Errands {
  /** resolves when the container has hung up */
  readonly ended: Promise<void>;
  private readonly waiting: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = [];
  private over = false;

  constructor(
    container: Dockerode.Container,
    private readonly stream: NodeJS.ReadWriteStream,
    /** whose errands these are, for messages */
    readonly host: string,
  ) {
    const answers = new PassThrough();
    // Base64 takes four characters for three bytes.
    const splitter = new LineSplitter(MAX_READ * 1.4 + 1000);
    demux(container, stream, answers, new PassThrough().resume());
    answers.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk.toString('latin1'))) this.waiting.shift()?.resolve(line);
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.over = true;
        for (const { reject } of this.waiting.splice(0)) reject(this.gone());
        resolve();
      };
      stream.once('end', end).once('close', end).once('error', end);
    });
  }

  /** @throws LabFailure when the file cannot be read, or the container is gone */
  async read(path: string, from: number): Promise<Buffer> {
    const answer = await this.ask(`read ${from + 1} ${path}`);
    if (!answer.startsWith('ok ')) throw new LabFailure(`can't read ${path} on the ${this.host} host`);
    return Buffer.from(answer.slice('ok '.length), 'base64');
  }

  /** Sends a signal. A process that is gone needs none. */
  kill(pid: number, signal: NodeJS.Signals): void {
    this.ask(`kill ${signal.replace(/^SIG/, '')} ${pid}`).catch(() => undefined);
  }

  /** Ends the container's first process, and so the container. */
  hangUp(): void {
    this.stream.end();
  }

  private ask(line: string): Promise<string> {
    if (this.over) return Promise.reject(this.gone());
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.stream.write(`${line}\n`);
    });
  }

  private gone(): LabFailure {
    return new LabFailure(`the container of the ${this.host} host is gone`);
  }
}
