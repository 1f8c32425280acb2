// K-way merge of sorted sources: a tournament tree that keeps the loser at every inner node, so that advancing the
// winner costs one comparison a level. Sources are numbers; the caller keeps what they stand for.
//
//            winner          nodes[0]
//              |
//            loser           nodes[1]
//          /       \
//       loser     loser      nodes[2], nodes[3]
//       /   \     /   \
//      0     1   2     3     sources

export class LoserTree {
  readonly #nodes: Int32Array;
  readonly #count: number;
  readonly #isBefore: (a: number, b: number) => boolean;

  /**
   * Plays all matches at once: every source must stand at its first item. `isBefore` orders sources by where they
   * stand; an ended source is before no other. Of equal sources the lower number wins if `isBefore` says so.
   */
  constructor(count: number, isBefore: (a: number, b: number) => boolean) {
    this.#count = count;
    this.#isBefore = isBefore;
    this.#nodes = new Int32Array(Math.max(count, 1));
    this.#nodes[0] = count <= 1 ? 0 : this.#play(1);
  }

  /** The source that stands first; 0 of an empty tree. */
  get winner(): number {
    return this.#nodes[0];
  }

  /** Call when the winner has been advanced: finds the new one. */
  replay(): void {
    const nodes = this.#nodes;
    let winner = nodes[0];
    for (let node = (winner + this.#count) >> 1; node >= 1; node >>= 1) {
      const other = nodes[node];
      if (this.#isBefore(other, winner)) {
        nodes[node] = winner;
        winner = other;
      }
    }
    nodes[0] = winner;
  }

  #play(node: number): number {
    if (node >= this.#count) return node - this.#count;
    const left = this.#play(node * 2);
    const right = this.#play(node * 2 + 1);
    const rightWins = this.#isBefore(right, left);
    this.#nodes[node] = rightWins ? left : right;
    return rightWins ? right : left;
  }
}
