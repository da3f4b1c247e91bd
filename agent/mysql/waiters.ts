/**
 * Those who wait for a connection's answers. All of them can be refused at once, and nothing is kept of those who were
 * answered: a race against one promise that lives as long as the connection would keep every answer ever given (an
 * agent that asks 25 times a second was out of memory after 20 minutes).
 */
export class Waiters {
  private readonly rejects = new Set<(error: Error) => void>();
  private failure: Error | undefined;

  /** How many wait now. */
  get size(): number {
    return this.rejects.size;
  }

  /** The answer, or the error of `refuseAll`, whichever comes first. */
  wait<T>(answer: Promise<T>): Promise<T> {
    const { failure } = this;
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const forget = (): boolean => this.rejects.delete(reject);
      this.rejects.add(reject);
      answer.then(
        (value) => (forget(), resolve(value)),
        (error: unknown) => (forget(), reject(error)),
      );
    });
  }

  /** Refuses who waits, and whoever asks from now on. */
  refuseAll(error: Error): void {
    this.failure ??= error;
    for (const reject of this.rejects) reject(error);
    this.rejects.clear();
  }
}
