/** What views can ask for: functions by name, so that no view knows the app or its parts. */

const OF_APP = [
  "start",
  "enterCode",
  "join",
  "go",
  "home",
  "onNameInput",
  "openRecap",
  "startAgain",
  "chooseStatusAction",
  "tryNow",
  "showTab",
  "submitName",
  "rename",
];
const OF_COMMANDS = [
  "sendMessage",
  "react",
  "setMode",
  "setLocked",
  "playTrack",
  "queueTrack",
  "play",
  "pause",
  "skip",
];
const OF_SHARING = ["share", "copy", "sharePicture", "savePicture"];

/**
 * Make the actions of an app.
 *
 * @param {import("./app.js").App} app
 * @param {Function} t
 * @param {(texts: {title: string, text: string, yes: string, no: string}) => Promise<boolean>} askToConfirm
 */
export function createActions(app, t, askToConfirm) {
  const { commands, sharing } = app;

  /** Run what cannot be undone only after a confirmation. */
  async function confirmed(key, names, run) {
    const asked = app.state.client;
    const text = (part) => t(`${key}.${part}`, names);
    const isSure = await askToConfirm({ title: text("title"), text: text("text"), yes: text("yes"), no: text("no") });
    // A phone that became host or guest meanwhile was asked another question.
    const { client } = app.state;
    if (isSure && client.isHost === asked.isHost && client.code === asked.code) run();
  }

  return Object.freeze({
    ...forwards(app, OF_APP),
    ...forwards(commands, OF_COMMANDS),
    ...forwards(sharing, OF_SHARING),
    kick: (id, name) => confirmed("kick", { name }, () => commands.kick(id)),
    promote: (id, name) => confirmed("promote", { name }, () => commands.promote(id, name)),
    leave: () => confirmed("leave", {}, () => app.leave()),
    end: () => confirmed("end", {}, () => app.leave()),
  });
}

/** Functions that call the methods of `target` with these names. */
function forwards(target, names) {
  return Object.fromEntries(
    names.map((name) => {
      if (typeof target[name] !== "function") throw new TypeError(`There is no action ${name}`);
      return [name, (...values) => target[name](...values)];
    }),
  );
}
