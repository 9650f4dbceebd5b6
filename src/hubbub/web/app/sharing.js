/** Shares the link to a party and the picture of its recap. */
import { spaced } from "../core/code.js";

export class Sharing {
  #parts;
  #state;
  #notify;

  /** `parts` has `device`, `router` and `t`; `state()` gives the app's state; `notify(text)` shows a notice. */
  constructor(parts, state, notify) {
    this.#parts = parts;
    this.#state = state;
    this.#notify = notify;
  }

  async share() {
    const { t, device } = this.#parts;
    const text = t("invite.shareText", { code: spaced(this.#state().client.code) });
    await device.share({ title: "Hubbub", text, url: this.#link });
  }

  async copy() {
    const { t, device } = this.#parts;
    const isCopied = await device.copy(this.#link);
    this.#notify(t(isCopied ? "invite.copied" : "notice.failed"));
  }

  async sharePicture(blob) {
    const { t, device } = this.#parts;
    await device.share({ files: [this.pictureFile(blob)], text: t("recap.shareText") });
  }

  savePicture(blob) {
    this.#parts.device.save(this.pictureFile(blob));
  }

  /** The recap's picture as a file, named after its party. */
  pictureFile(blob) {
    return new File([blob], `hubbub-${this.#state().recap?.code ?? "party"}.png`, { type: "image/png" });
  }

  get #link() {
    return this.#state().joinLink ?? this.#parts.router.address;
  }
}
