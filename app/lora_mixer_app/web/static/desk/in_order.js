/**
 * Gestures that wait for the server: they are done in the order in which they were made, whatever the order of the answers;
 * and what goes back waits for them, so that undo undoes what was done last.
 */
export class InOrder {
  /** Ends when all that was made before is done; null while nothing waits. @type {Promise<void> | null} */
  #last = null;

  /**
   * Do something once an answer has come, and what was to be done before has been.
   * @template T
   * @param {Promise<T>} answer @param {(told: T) => void} act
   * @returns {Promise<void>} Fails as the answer or the act does; what waits behind it goes on.
   */
  after(answer, act) {
    const before = this.#last;
    const done = (async () => {
      const [told] = await Promise.allSettled([answer, before]);
      if (told.status === "rejected") throw told.reason;
      act(told.value);
    })();
    const over = done.catch(() => {});
    this.#last = over;
    over.then(() => {
      if (this.#last === over) this.#last = null;
    });
    return done;
  }

  /** Do something now, or once what waits is done. @param {() => void} act */
  now(act) {
    if (this.#last) this.after(Promise.resolve(), act);
    else act();
  }
}
