/** A command of the terminal. */
export interface Command {
  readonly usage: string
  readonly does: string
  /** Returns the exit code. */
  run(args: readonly string[]): number | Promise<number>
}
