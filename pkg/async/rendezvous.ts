// Several tasks that wait for one another at one place: none goes on before all of them have come there or ended.

export class Rendezvous {
  #missing: number;
  readonly #met: Promise<void>;
  #meet = (): void => {};

  /** Of so many, each of which comes once. */
  constructor(count: number) {
    this.#missing = count;
    this.#met = new Promise((resolve) => {
      this.#meet = resolve;
    });
  }

  /** Resolves when all have come; who ends before that comes too, and does not wait. */
  come(): Promise<void> {
    if (--this.#missing <= 0) this.#meet();
    return this.#met;
  }
}
