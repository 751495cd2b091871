import type { Readable, Writable } from 'node:stream';
import { now } from '../agent/clock';
import { receiveFile, sendFile } from '../agent/content';
import { report, type FileSpec } from '../agent/messages';

interface Stat {
  readonly name: string;
  readonly size: number;
  readonly mtime: number;
  readonly mode: number;
  isDirectory(): boolean;
}

/** A file system for ftp-srv in which files are generated when read, and measured when written. */
export class GeneratedFiles {
  constructor(private readonly files: readonly FileSpec[]) {}

  currentDirectory(): string {
    return '/';
  }

  chdir(): Promise<string> {
    return Promise.resolve('/');
  }

  get(name: string): Promise<Stat> {
    if (name === '.' || name === '/' || name === '') return Promise.resolve(stat('.', 4096, true));
    return Promise.resolve().then(() => {
      const file = this.find(name);
      return stat(file.name, file.size, false);
    });
  }

  list(): Promise<Stat[]> {
    return Promise.resolve(this.files.map((file) => stat(file.name, file.size, false)));
  }

  read(name: string): { stream: Readable; clientPath: string } {
    const file = this.find(name);
    const stream = sendFile(file, (digest) => {
      report({ type: 'file', at: now(), name: file.name, role: 'sent', ...digest });
    });
    return { stream, clientPath: file.name };
  }

  write(name: string): { stream: Writable; clientPath: string } {
    const path = name.replace(/^\/+/, '');
    const stream = receiveFile((digest) => {
      report({ type: 'file', at: now(), name: path, role: 'received', ...digest });
    });
    return { stream, clientPath: path };
  }

  private find(name: string): FileSpec {
    const file = this.files.find((candidate) => candidate.name === name.replace(/^\/+/, ''));
    if (!file) throw new Error(`${name}: no such file in this experiment`);
    return file;
  }
}

function stat(name: string, size: number, directory: boolean): Stat {
  return { name, size, mtime: 0, mode: directory ? 0o755 : 0o644, isDirectory: () => directory };
}
