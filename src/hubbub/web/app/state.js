/** The app's state: one frozen object that each change replaces, so that models and views can compare by identity. */

/** The client's state while the app is in no party. */
export const NO_PARTY = Object.freeze({ phase: "idle", party: null, over: null, trouble: null, watching: false });

/** What the app is before it has asked anybody for anything. */
export function initialState({ router, storage }) {
  return {
    route: router.route,
    entering: null,
    hadSeat: false,
    client: NO_PARTY,
    lookup: { kind: "loading" },
    joinLink: null,
    messages: [],
    unread: 0,
    tab: null,
    name: storage.name,
    askName: false,
    notice: null,
    recap: null,
    recaps: storage.recaps,
    lastSeat: storage.lastSeat,
  };
}

export class AppState {
  #current;
  #onChange;

  constructor(initial, onChange) {
    this.#current = Object.freeze(initial);
    this.#onChange = onChange;
  }

  get current() {
    return this.#current;
  }

  /** Replace the fields in `changes` and report the new state. */
  set(changes) {
    this.#current = Object.freeze({ ...this.#current, ...changes });
    this.#onChange(this.#current);
  }
}
