import type { Path, ScenarioDocument } from './document';
import { InputError, type Problem } from './problem';
import { secondsOf } from './quantities';

/** Longer than any transfer or timeout worth an experiment; what is longer is a slip of the pen. */
const MAX_SECONDS = 30 * 86_400;

/** What is wrong with the meaning of a well-shaped file, collected so that all of it is said at once. */
export class Complaints {
  private readonly problems: Problem[] = [];
  /** where each duration that was read stands, by its path with dots */
  readonly places: Record<string, Problem['position']> = {};

  constructor(readonly document: ScenarioDocument) {}

  /** A problem of the part at a path, which its message names. */
  add(path: Path, message: string): void {
    const what = path.map((part) => (typeof part === 'number' ? part + 1 : String(part))).join('.');
    this.problems.push({ position: this.document.locate(path), message: `${what} ${message}` });
  }

  /** A problem that has a place of its own. */
  addAt(position: Problem['position'], message: string): void {
    this.problems.push({ position, message });
  }

  /** Runs a parser of ours and files its complaint under the path. */
  attempt<T>(path: Path, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      this.add(path, `is wrong: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** Seconds of a duration; 30 days at most, or what is given. */
  duration(path: Path, text: string, most = MAX_SECONDS): number {
    const seconds = secondsOf(text);
    this.places[path.join('.')] = this.document.locate(path);
    if (seconds > most) {
      this.add(
        path,
        `is ${text}; allowed: up to ${most % 3600 === 0 ? `${most / 3600} h, which are ${most / 86_400} days` : `${most} s`}`,
      );
    }
    return seconds;
  }

  /** @throws InputError when there is anything to complain of */
  throwIfAny(): void {
    if (this.problems.length === 0) return;
    const place = ({ position }: Problem): number => (position?.line ?? 0) * 1e6 + (position?.column ?? 0);
    const inOrder = [...this.problems].sort((a, b) => place(a) - place(b));
    throw new InputError(this.document.file, inOrder, this.document.source);
  }
}
