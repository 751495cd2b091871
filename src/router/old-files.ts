import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OLD_ROOT } from './tool-directory';

/** No switch takes more. */
const LONGEST_VALUE = 256;

/** What of a firewall stands in files. Paths are relative to the directory each stands in. */
export interface Readable {
  /** /proc/sys/net/ipv4, as the kernel prints it, without the line's end */
  switches(): ReadonlyMap<string, string>;
  /** @returns what is wrong with the value; null when it is set */
  setSwitch(path: string, value: string): string | null;
  /** /proc/net */
  listings(): ReadonlyMap<string, () => string>;
}

/** A switch that was written what it does not take. */
export interface WrongSwitch {
  readonly path: string;
  readonly message: string;
}

/**
 * /proc/net and /proc/sys/net/ipv4 as a Linux 2.2 has them, for a start script to read and write: plain files, for
 * scripts ask for these by `[ -f … ]`. Nothing but tools changes a firewall while it starts, so taking over before each
 * of them, and refreshing after it, keeps both sides alike.
 */
export class OldFiles {
  readonly #proc: string;
  readonly #written = new Map<string, string>();

  /** @param directory the router's own */
  constructor(
    directory: string,
    private readonly firewall: Readable,
  ) {
    this.#proc = join(directory, OLD_ROOT, 'proc');
    for (const [path, text] of this.#texts()) {
      mkdirSync(dirname(path), { recursive: true });
      this.#write(path, text);
    }
  }

  /** Takes over what was written to switches. @returns what could not be */
  takeOver(): WrongSwitch[] {
    const wrong: WrongSwitch[] = [];
    for (const path of this.firewall.switches().keys()) {
      const file = join(this.#switches, path);
      const text = head(file);
      if (text === this.#written.get(file)) continue;
      this.#written.set(file, text);
      const message = this.firewall.setSwitch(path, text.trim());
      if (message !== null) wrong.push({ path, message });
    }
    return wrong;
  }

  /** Has the files say what is so now. */
  refresh(): void {
    for (const [path, text] of this.#texts()) this.#write(path, text);
  }

  get #switches(): string {
    return join(this.#proc, 'sys/net/ipv4');
  }

  #texts(): [string, string][] {
    const { firewall } = this;
    return [
      ...[...firewall.switches()].map(([path, text]): [string, string] => [
        join(this.#switches, path),
        `${text}\n`,
      ]),
      ...[...firewall.listings()].map(([path, text]): [string, string] => [
        join(this.#proc, 'net', path),
        text(),
      ]),
    ];
  }

  #write(path: string, text: string): void {
    if (this.#written.get(path) === text) return;
    this.#written.set(path, text);
    writeFileSync(path, text);
  }
}

function head(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(LONGEST_VALUE);
    return bytes.toString('latin1', 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
