/** The commands of a party. Each resolves to whether it was done; if it was not, a notice says why. */
import { refusalOnly } from "../client/refusal.js";
import { noticeOf } from "./notices.js";

export class Commands {
  #currentClient;
  #notify;
  #t;

  /** `currentClient()` gives the client that is in a party, or null; `notify(text)` shows a notice. */
  constructor({ currentClient, notify, t }) {
    this.#currentClient = currentClient;
    this.#notify = notify;
    this.#t = t;
  }

  sendMessage(text) {
    return this.#run((client) => client.sendMessage(text));
  }

  react(emoji) {
    return this.#run((client) => client.react(emoji));
  }

  rename(name) {
    return this.#run((client) => client.rename(name.trim()));
  }

  kick(id) {
    return this.#run((client) => client.kick(id));
  }

  promote(id, name) {
    return this.#run((client) => client.promote(id), { name });
  }

  setMode(mode) {
    return this.#run((client) => client.setChatMode(mode));
  }

  setLocked(locked) {
    return this.#run((client) => client.setLocked(locked));
  }

  playTrack(track) {
    return this.#run(async (client) => {
      await client.selectTrack(track);
      await client.play(0);
    });
  }

  queueTrack(track) {
    return this.#run((client) => client.queueTrack(track));
  }

  play() {
    return this.#run((client) => client.play());
  }

  pause() {
    return this.#run((client) => client.pause());
  }

  skip() {
    return this.#run((client) => client.changeTrack(client.state.party.playback.nextTrack));
  }

  async #run(command, names = {}) {
    const client = this.#currentClient();
    if (client === null) return false;
    try {
      await command(client);
      return true;
    } catch (error) {
      const refusal = refusalOnly(error);
      // A notice about a party that is not on the screen any more would confuse.
      if (client === this.#currentClient()) this.#notify(noticeOf(refusal, names, this.#t));
      return false;
    }
  }
}
