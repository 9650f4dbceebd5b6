/** What is said, and who may speak. Pure. */
import { hueOf } from "./people.js";

export const REACTIONS = ["🎉", "❤️", "😂", "🔥", "👏", "😮", "💃", "🍻"];
export const MODES = ["OPEN", "EMOJI_ONLY", "LOCKED"];
export const MESSAGE_CHARS_MAX = 500;

const lines = new WeakMap();

/** The chat: its messages, and what this phone may do in it. */
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
    // Empty lines without end would push everybody else off the screen.
    text: message.text.replace(/\s*\n\s*\n\s*/g, "\n\n"),
    isMine,
    hue: hueOf(message.memberId),
  };
  lines.set(message, line);
  return line;
}

/** How many characters a text has, as the server counts them (code points), beyond what is allowed; 0 if none. */
export function excessChars(text) {
  return Math.max(0, [...text.trim()].length - MESSAGE_CHARS_MAX);
}
