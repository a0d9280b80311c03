// The real `coretap serve`, with the stand-in or without a node, on a free port. CORETAP and CORETAP_SIM name the programs.
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('../../../build/bin/', import.meta.url));
export const CORETAP = process.env.CORETAP ?? `${BUILD}coretap`;
export const CORETAP_SIM = process.env.CORETAP_SIM ?? `${BUILD}coretap-sim`;

function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => process.once('exit', () => resolve()));
}

export class Serve {
  url = '';
  #said = '';
  private constructor(readonly process: ChildProcess) {
    process.stderr!.on('data', (data: Buffer) => (this.#said += data.toString()));
  }
  get port(): number {
    return Number(new URL(this.url).port);
  }
  /** Resolves when the page's address is said. */
  static async start(args: readonly string[], port = 0): Promise<Serve> {
    const serve = new Serve(spawn(CORETAP, ['serve', '--listen', `127.0.0.1:${port}`, '--rpc', 'off', ...args], { stdio: ['ignore', 'ignore', 'pipe'] }));
    for (;;) {
      const found = /the page is at (http\S+)/.exec(serve.#said);
      if (found) {
        serve.url = found[1]!;
        return serve;
      }
      if (serve.process.exitCode !== null) throw new Error(`coretap serve ended: ${serve.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  /** With a stand-in of its own. */
  static sim(simArgs: string, port = 0): Promise<Serve> {
    return Serve.start(['--sim', '--sim-args', simArgs], port);
  }
  async api<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}api/v1/${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  }
  async stop(): Promise<void> {
    this.process.kill('SIGTERM');
    await ended(this.process);
  }
}

/** A stand-in on its own, as a node that coretap finds. */
export class Sim {
  #said = '';
  private constructor(readonly process: ChildProcess) {
    process.stderr!.on('data', (data: Buffer) => (this.#said += data.toString()));
  }
  static async start(program: string, args: readonly string[]): Promise<Sim> {
    const sim = new Sim(spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] }));
    while (!/ready pid=/.test(sim.#said)) {
      if (sim.process.exitCode !== null) throw new Error(`coretap-sim ended: ${sim.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return sim;
  }
  async stop(): Promise<void> {
    this.process.kill('SIGTERM');
    await ended(this.process);
  }
}
