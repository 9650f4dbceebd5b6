/** Sharing, clipboard, downloads and the screen lock. What a browser refuses is returned, never thrown. */

const REVOKE_MS = 60_000;

/** Sharing, copying, saving and keeping the screen on, as far as the browser lets this page. */
export class Device {
  #lock = null;
  #wanted = false;
  #isAsking = false;

  constructor() {
    // Browsers release the lock each time the page is hidden.
    document.addEventListener("visibilitychange", () => this.#renew());
  }

  get isSecure() {
    return window.isSecureContext;
  }

  get canShare() {
    return typeof navigator.share === "function";
  }

  get canCopy() {
    return navigator.clipboard !== undefined;
  }

  /** Share text or files with other apps; return false if the person or the browser declined. */
  async share(what) {
    try {
      await navigator.share(what);
      return true;
    } catch {
      return false; // given up by the person, or not allowed
    }
  }

  canShareFile(file) {
    return this.canShare && navigator.canShare?.({ files: [file] }) === true;
  }

  /** Put `text` on the clipboard; return false if the browser refuses. */
  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  }

  /** Hand a file to the browser's downloads. */
  save(file) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = file.name;
    link.click();
    // Safari reads it only after a while.
    setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_MS);
  }

  /** Keep the screen on, or no longer. */
  keepAwake(wanted) {
    if (this.#wanted === wanted) return;
    this.#wanted = wanted;
    this.#renew();
  }

  async #renew() {
    if (!this.#wanted) {
      this.#lock?.release().catch(() => {});
      this.#lock = null;
      return;
    }
    if (!("wakeLock" in navigator) || document.visibilityState !== "visible" || this.#isAsking) return;
    if (this.#lock !== null && !this.#lock.released) return;
    this.#isAsking = true;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
    } catch {
      // The battery is low, or the browser refuses: the screen dims, and the party goes on.
    } finally {
      this.#isAsking = false;
    }
    // The party may be over by the time the answer comes.
    if (!this.#wanted) this.#renew();
  }
}
