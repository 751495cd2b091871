import { LabFailure } from './host';

/** The run showed no sign of life for too long, and the lab's watchdog ended it. */
export class Stalled extends LabFailure {
  override readonly name = 'Stalled';
}

/** Calls `tick` every so many milliseconds, until what it returns is called. */
export type Ticker = (tick: () => void, milliseconds: number) => () => void;

const realTicker: Ticker = (tick, milliseconds) => {
  const timer = setInterval(tick, milliseconds);
  return () => {
    clearInterval(timer);
  };
};

const TICK_MS = 250;

/**
 * Ends a run that makes no progress. It limits silence, never the run's duration, and counts ticks
 * where a clock would also count what is no silence: a machine that slept, or a lab that got no
 * processor, comes back to one tick, and hears what was said meanwhile before the next.
 */
export class Watchdog {
  private silent = 0;
  private total = 0;
  private doing = 'starting the hosts';
  private tripped = false;
  private trip: (error: Stalled) => void = () => undefined;
  private readonly stalled: Promise<never>;
  private readonly stopTicking: () => void;

  /** @param limit seconds of silence it bears */
  constructor(
    private readonly limit: number,
    ticker: Ticker = realTicker,
  ) {
    this.stalled = new Promise((_resolve, reject) => {
      this.trip = reject;
    });
    // Whoever is concerned is guarded; that nobody is, for a while, is no error.
    this.stalled.catch(() => undefined);
    this.stopTicking = ticker(() => {
      this.tick();
    }, TICK_MS);
  }

  /** A sign of life: from now on the run does something else. */
  progress(doing: string): void {
    this.doing = doing;
    this.alive();
  }

  /** A sign of life in the midst of what is being done. */
  alive(): void {
    this.silent = 0;
  }

  /**
   * Settles as the work does, unless the run stalls first: then what still hangs is left to itself. Of a
   * run that has stalled no further work is begun.
   *
   * @throws Stalled
   */
  guard<T>(work: () => Promise<T>): Promise<T> {
    return this.tripped ? this.stalled : Promise.race([work(), this.stalled]);
  }

  /** The run is over. */
  stop(): void {
    this.stopTicking();
  }

  private tick(): void {
    this.total += TICK_MS / 1000;
    this.silent += TICK_MS / 1000;
    if (this.silent < this.limit) return;
    this.stopTicking();
    this.tripped = true;
    this.trip(
      new Stalled(
        `the lab's watchdog ended this run after ${Math.round(this.total)} s: ` +
          `no progress for ${Math.round(this.silent)} s, last "${this.doing}"`,
      ),
    );
  }
}
