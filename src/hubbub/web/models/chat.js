/** The chat: its messages, and who may write. Pure. */
import { MESSAGE_CHARS_MAX } from "../core/contract.js";
import { excessChars } from "../core/text.js";
import { hueOf } from "./people.js";

export const REACTIONS = ["🎉", "❤️", "😂", "🔥", "👏", "😮", "💃", "🍻"];
export const MODES = ["OPEN", "EMOJI_ONLY", "LOCKED"];

const lines = new WeakMap();

/** Return the messages, and what this phone may do. */
export function chatModel(client, messages, t) {
  const { party, isHost, memberId } = client;
  const mode = party.chatMode;
  return {
    title: t("chat.title"),
    lines: messages.map((message) => lineOf(message, memberId)),
    empty: messages.length === 0 ? t("chat.empty") : null,
    canSpeak: isHost || mode === "OPEN",
    canReact: isHost || mode !== "LOCKED",
    placeholder: placeholderOf(mode, isHost, t),
    modes: isHost ? MODES.map((id) => ({ id, label: t(`chat.mode.${id}`), chosen: id === mode })) : null,
  };
}

function placeholderOf(mode, isHost, t) {
  if (isHost || mode === "OPEN") return t("chat.placeholder");
  return t(mode === "LOCKED" ? "chat.locked" : "chat.emojiOnly");
}

function lineOf(message, memberId) {
  const isMine = message.memberId === memberId;
  const known = lines.get(message);
  if (known?.isMine === isMine) return known;
  const line = {
    id: message.id,
    name: message.name,
    // Without this, empty lines would push all other messages off the screen.
    text: message.text.replace(/\s*\n\s*\n\s*/g, "\n\n"),
    isMine,
    hue: hueOf(message.memberId),
  };
  lines.set(message, line);
  return line;
}

/** Return by how many characters a message is too long; 0 if it is not. */
export function messageExcess(text) {
  return excessChars(text.trim(), MESSAGE_CHARS_MAX);
}
