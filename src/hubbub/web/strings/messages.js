/**
 * Every text of the app, in each of its languages.
 *
 * A value is one text, or one text per plural category of `n` if it counts something. `{name}` is filled in. Each value
 * is a whole sentence or label: sentences built from parts cannot be translated. To add a language, add its tag to
 * `LANGUAGES` and its text to each entry; `tests/web/unit/strings.test.js` names what is missing.
 */
export const LANGUAGES = ["en", "de"];

export const MESSAGES = {
  // Home
  "home.tagline": { en: "One code. Everyone’s in.", de: "Ein Code. Alle sind dabei." },
  "home.join": { en: "Join a party", de: "Einer Party beitreten" },
  "home.code": { en: "Party code", de: "Party-Code" },
  "home.codeHint": {
    en: "Six letters and digits, from the host’s screen",
    de: "Sechs Zeichen, vom Bildschirm des Gastgebers",
  },
  "home.start": { en: "Start a party", de: "Party starten" },
  "home.or": { en: "or", de: "oder" },
  "home.back": { en: "Back to {code}", de: "Zurück zu {code}" },
  "home.backYours": { en: "Your party", de: "Deine Party" },
  "home.backHosted": { en: "{host}’s party", de: "Party von {host}" },
  "home.recaps": { en: "Parties on this phone", de: "Partys auf diesem Handy" },
  "home.recapOf": { en: "{host}’s party, {day}", de: "Party von {host}, {day}" },

  // A name
  "name.label": { en: "Your name", de: "Dein Name" },
  "name.placeholder": { en: "What friends call you", de: "Wie dich alle nennen" },
  "name.ask": { en: "What should they call you?", de: "Wie sollen dich alle nennen?" },
  "name.asked": { en: "Right now you are “{name}”.", de: "Im Moment heißt du „{name}“." },
  "name.save": { en: "Save", de: "Speichern" },

  // The link
  "link.of": { en: "{host}’s party", de: "Party von {host}" },
  "link.here": {
    en: { one: "{n} guest is here", other: "{n} guests are here" },
    de: { one: "{n} Gast ist da", other: "{n} Gäste sind da" },
  },
  "link.first": { en: "Be the first guest", de: "Sei der erste Gast" },
  "link.join": { en: "Join the party", de: "Rein in die Party" },
  "link.joinAs": { en: "Join as {name}", de: "Als {name} rein" },
  "link.hostAway": {
    en: "{host} has dropped out for a moment. You can come in.",
    de: "{host} ist kurz weg. Du kannst trotzdem rein.",
  },

  // Doors: whole-screen states
  "door.starting.title": { en: "Starting your party…", de: "Deine Party wird gestartet …" },
  "door.starting.text": {
    en: "The code appears as soon as it works for everyone.",
    de: "Der Code erscheint, sobald er für alle gilt.",
  },
  "door.connecting.title": { en: "Getting you in…", de: "Du kommst gleich rein …" },
  "door.connecting.text": { en: "This takes a moment.", de: "Einen Moment." },
  "door.looking.title": { en: "Looking for the party…", de: "Die Party wird gesucht …" },
  "door.opening.title": { en: "Opening the wall…", de: "Die Leinwand wird geöffnet …" },
  "door.store_away.title": {
    en: "We can’t reach the party right now. Trying again…",
    de: "Die Party ist gerade nicht erreichbar. Neuer Versuch …",
  },
  "door.store_away.text": {
    en: "Nothing is lost. This page keeps trying by itself.",
    de: "Nichts ist verloren. Diese Seite versucht es von selbst weiter.",
  },
  "door.unreachable.title": { en: "No answer yet. Trying again…", de: "Noch keine Antwort. Neuer Versuch …" },
  "door.unreachable.text": {
    en: "The server does not answer. Check this phone’s Wi-Fi; the page keeps trying by itself.",
    de: "Der Server antwortet nicht. Prüfe das WLAN; diese Seite versucht es von selbst weiter.",
  },
  "door.offline.title": { en: "This phone is offline", de: "Dieses Handy ist offline" },
  "door.offline.text": {
    en: "You are let in as soon as the network is back.",
    de: "Es geht weiter, sobald das Netz wieder da ist.",
  },
  "door.busy.title": { en: "It’s crowded at the door. Trying again…", de: "Gedränge an der Tür. Neuer Versuch …" },
  "door.busy.text": {
    en: "Too many at once. This page keeps trying by itself.",
    de: "Zu viele auf einmal. Diese Seite versucht es von selbst weiter.",
  },
  "door.watchers.title": {
    en: "This party has all the walls it can have",
    de: "Mehr Leinwände gehen bei dieser Party nicht",
  },
  "door.watchers.text": {
    en: "Close a wall on another screen, and this one opens by itself.",
    de: "Schließe eine Leinwand auf einem anderen Bildschirm, dann öffnet sich diese von selbst.",
  },
  "door.not_found.title": { en: "No party with this code", de: "Keine Party mit diesem Code" },
  "door.not_found.text": {
    en: "You typed {code}. Compare it with the host’s screen, sign by sign. A party is gone once its host has ended it.",
    de: "Eingegeben: {code}. Vergleiche Zeichen für Zeichen mit dem Bildschirm des Gastgebers. Beendete Partys sind weg.",
  },
  "door.not_a_code.title": { en: "That is not a party code", de: "Das ist kein Party-Code" },
  "door.not_a_code.text": {
    en: "You typed {code}. A code has six letters and digits, such as BQ7 4KX.",
    de: "Eingegeben: {code}. Ein Code hat sechs Buchstaben und Ziffern, etwa BQ7 4KX.",
  },
  "door.ended.title": { en: "This party has ended", de: "Diese Party ist vorbei" },
  "door.ended.text": { en: "It was good while it lasted.", de: "Schön war’s." },
  "door.gone.title": { en: "This party is over", de: "Diese Party gibt es nicht mehr" },
  "door.gone.text": {
    en: "It was ended, or everybody had been gone for too long.",
    de: "Sie wurde beendet, oder alle waren zu lange weg.",
  },
  "door.full.title": { en: "This party is full", de: "Diese Party ist voll" },
  "door.full.text": {
    en: "Every seat is taken. Try again when somebody has left.",
    de: "Alle Plätze sind besetzt. Versuch es wieder, wenn jemand gegangen ist.",
  },
  "door.locked.title": { en: "The door is locked", de: "Die Tür ist zu" },
  "door.locked.text": {
    en: "The host lets nobody new in right now. Ask them to unlock, then try again.",
    de: "Der Gastgeber lässt gerade niemanden mehr rein. Bitte darum, die Tür zu öffnen, und versuch es dann noch einmal.",
  },
  "door.kicked.title": { en: "The host has removed you", de: "Der Gastgeber hat dich entfernt" },
  "door.kicked.text": {
    en: "You can’t come back into this party from this phone.",
    de: "Von diesem Handy kommst du nicht zurück in diese Party.",
  },
  "door.taken_over.title": { en: "You are in from another tab", de: "Du bist in einem anderen Tab dabei" },
  "door.taken_over.text": {
    en: "A seat has one page at a time. Your seat is safe.",
    de: "Ein Platz gehört immer nur einer Seite. Dein Platz ist sicher.",
  },
  "door.abuse.title": { en: "The server has hung up", de: "Der Server hat aufgelegt" },
  "door.abuse.text": {
    en: "This page sent what the server did not understand. Loading it afresh helps.",
    de: "Diese Seite hat Unverständliches gesendet. Neu laden hilft.",
  },
  "door.refused.title": { en: "That did not work", de: "Das hat nicht geklappt" },
  "door.refused.text": {
    en: "The server refused. Trying again may help.",
    de: "Der Server hat abgelehnt. Ein neuer Versuch kann helfen.",
  },
  "door.action.again": { en: "Try again", de: "Nochmal versuchen" },
  "door.action.home": { en: "To the start", de: "Zum Anfang" },
  "door.action.other": { en: "Try another code", de: "Anderen Code eingeben" },
  "door.action.takeBack": { en: "Use it here", de: "Hier weitermachen" },
  "door.action.cancel": { en: "Cancel", de: "Abbrechen" },
  "door.action.reload": { en: "Load afresh", de: "Neu laden" },

  // The party
  "party.people": {
    en: { one: "{n} guest", other: "{n} guests" },
    de: { one: "{n} Gast", other: "{n} Gäste" },
  },
  "party.code": { en: "Party code {code}", de: "Party-Code {code}" },
  "party.hostedBy": { en: "{host}’s party", de: "Party von {host}" },
  "party.yours": { en: "Your party", de: "Deine Party" },
  "party.menu": { en: "Menu", de: "Menü" },
  "party.sections": { en: "Parts of the party", de: "Bereiche der Party" },
  "tab.invite": { en: "Invite", de: "Einladen" },
  "tab.chat": { en: "Chat", de: "Chat" },
  "tab.people": { en: "People", de: "Leute" },
  "tab.music": { en: "Music", de: "Musik" },
  "link.live": { en: "Live", de: "Live" },
  "link.lost": { en: "Reconnecting", de: "Verbindet neu" },

  // Banners
  "banner.reconnecting": { en: "Connection lost. Reconnecting…", de: "Verbindung weg. Neuer Versuch …" },
  "banner.offline": {
    en: "This phone is offline. You’ll be back in by yourself.",
    de: "Dieses Handy ist offline. Du kommst von selbst zurück.",
  },
  "banner.store_away": {
    en: "We can’t reach the party right now. Trying again…",
    de: "Die Party ist gerade nicht erreichbar. Neuer Versuch …",
  },
  "banner.recovering": {
    en: "The party is being put back together. Stay here.",
    de: "Die Party wird gerade wiederhergestellt. Bleib hier.",
  },
  "banner.hostAway": {
    en: "{host} has dropped out. The party waits for them.",
    de: "{host} ist gerade weg. Die Party wartet.",
  },
  "banner.tryNow": { en: "Try now", de: "Jetzt versuchen" },

  // Invite
  "invite.title": { en: "Let them in", de: "Lass sie rein" },
  "invite.text": { en: "Scan, or type the code at {address}", de: "Scannen oder Code eingeben auf {address}" },
  "invite.qr": { en: "QR code of the link to this party", de: "QR-Code mit dem Link zu dieser Party" },
  "invite.share": { en: "Share", de: "Teilen" },
  "invite.copy": { en: "Copy link", de: "Link kopieren" },
  "invite.copied": { en: "Link copied", de: "Link kopiert" },
  "invite.wall": { en: "Open the wall", de: "Leinwand öffnen" },
  "invite.shareText": { en: "Come to the party: {code}", de: "Komm zur Party: {code}" },
  "invite.link": { en: "Link to this party", de: "Link zu dieser Party" },
  "invite.lock": { en: "Lock the door", de: "Tür abschließen" },
  "invite.lockHint": {
    en: "Nobody new gets in. Everyone inside stays.",
    de: "Niemand Neues kommt rein. Wer drin ist, bleibt drin.",
  },
  "invite.locked": { en: "The door is locked", de: "Die Tür ist zu" },
  "plain.note": {
    en: "This page came over plain http://, so the browser withholds: {lacks}.",
    de: "Diese Seite kam über einfaches http://, darum verweigert der Browser: {lacks}.",
  },
  "plain.wake": { en: "keeping the screen on", de: "Bildschirm wach halten" },
  "plain.share": { en: "sharing", de: "Teilen" },
  "plain.copy": { en: "copying the link", de: "Link kopieren" },

  // People
  "people.title": { en: "Who is here", de: "Wer ist da" },
  "people.host": { en: "Host", de: "Gastgeber" },
  "people.you": { en: "You", de: "Du" },
  "people.away": { en: "away", de: "kurz weg" },
  "people.awayTitle": { en: "Dropped out; the seat is kept", de: "Gerade weg; der Platz bleibt reserviert" },
  "people.more": {
    en: { one: "and {n} more guest", other: "and {n} more guests" },
    de: { one: "und {n} weiterer Gast", other: "und {n} weitere Gäste" },
  },
  "people.nobody": { en: "Nobody else yet. Share the code.", de: "Noch niemand. Gib den Code weiter." },
  "people.actions": { en: "Actions for {name}", de: "Aktionen für {name}" },
  "people.promote": { en: "Make {name} the host", de: "{name} zum Gastgeber machen" },
  "people.kick": { en: "Remove {name}", de: "{name} entfernen" },
  "kick.title": { en: "Remove {name}?", de: "{name} entfernen?" },
  "kick.text": { en: "They can’t come back from the same phone.", de: "Vom selben Handy gibt es kein Zurück." },
  "kick.yes": { en: "Remove", de: "Entfernen" },
  "kick.no": { en: "Cancel", de: "Abbrechen" },
  "promote.title": { en: "Make {name} the host?", de: "{name} zum Gastgeber machen?" },
  "promote.text": {
    en: "You become a guest; only {name} can give it back.",
    de: "Du wirst Gast; zurückgeben kann nur {name}.",
  },
  "promote.yes": { en: "Hand over", de: "Übergeben" },
  "promote.no": { en: "Cancel", de: "Abbrechen" },

  // Chat
  "chat.title": { en: "Chat", de: "Chat" },
  "chat.placeholder": { en: "Say something", de: "Sag etwas" },
  "chat.message": { en: "Message", de: "Nachricht" },
  "chat.send": { en: "Send", de: "Senden" },
  "chat.empty": { en: "It’s quiet. Say hello.", de: "Noch ist es still. Sag Hallo." },
  "chat.emojiOnly": { en: "Only reactions right now", de: "Gerade nur Reaktionen" },
  "chat.locked": { en: "Only the host speaks right now", de: "Gerade spricht nur der Gastgeber" },
  "chat.tooLong": { en: "{n} over {max}", de: "{n} über {max}" },
  "chat.mode": { en: "Guests may", de: "Gäste dürfen" },
  "chat.mode.OPEN": { en: "talk", de: "reden" },
  "chat.mode.EMOJI_ONLY": { en: "react", de: "reagieren" },
  "chat.mode.LOCKED": { en: "listen", de: "zuhören" },
  "chat.react": { en: "React with {emoji}", de: "Mit {emoji} reagieren" },
  "chat.reactions": { en: "Reactions", de: "Reaktionen" },

  // Music
  "music.title": { en: "Now playing", de: "Jetzt läuft" },
  "music.nothing": { en: "Nothing is playing", de: "Gerade läuft nichts" },
  "music.playing": { en: "Playing", de: "Läuft" },
  "music.paused": { en: "Paused", de: "Pausiert" },
  "music.stopped": { en: "Ready", de: "Bereit" },
  "music.next": { en: "Up next", de: "Als Nächstes" },
  "music.play": { en: "Play", de: "Abspielen" },
  "music.pause": { en: "Pause", de: "Pause" },
  "music.skip": { en: "Skip to next", de: "Zum nächsten" },
  "music.add": { en: "Track", de: "Titel" },
  "music.addHint": { en: "Title or file name", de: "Titel oder Dateiname" },
  "music.setNow": { en: "Put on", de: "Auflegen" },
  "music.setNext": { en: "Play next", de: "Als Nächstes" },
  "music.clearNext": { en: "Clear what is up next", de: "Nächsten Titel entfernen" },
  "music.note": {
    en: "Hubbub tells every phone what plays. The sound comes from your speaker.",
    de: "Hubbub sagt allen Handys, was läuft. Der Ton kommt aus deiner Anlage.",
  },

  // Menu, leaving, ending
  "menu.title": { en: "This party", de: "Diese Party" },
  "menu.leave": { en: "Leave the party", de: "Party verlassen" },
  "menu.end": { en: "End the party", de: "Party beenden" },
  "menu.close": { en: "Close", de: "Schließen" },
  "leave.title": { en: "Leave the party?", de: "Party verlassen?" },
  "leave.text": {
    en: "Your seat is given up. You can join again with the code.",
    de: "Dein Platz wird frei. Mit dem Code kommst du wieder rein.",
  },
  "leave.yes": { en: "Leave", de: "Verlassen" },
  "leave.no": { en: "No, stay", de: "Nein, bleiben" },
  "end.title": { en: "End the party for everyone?", de: "Party für alle beenden?" },
  "end.text": {
    en: "Everyone is shown the recap, and the code stops working.",
    de: "Alle sehen den Rückblick, und der Code gilt nicht mehr.",
  },
  "end.yes": { en: "End it", de: "Beenden" },
  "end.no": { en: "No, go on", de: "Nein, weiterfeiern" },

  // Wall
  "wall.join": { en: "Join at {address}", de: "Mitmachen auf {address}" },
  "wall.quiet": { en: "Say hello from your phone", de: "Sag Hallo vom Handy aus" },
  "wall.locked": { en: "The door is locked", de: "Die Tür ist zu" },

  // Recap
  "recap.title": { en: "What a party", de: "Was für eine Party" },
  "recap.host_left": { en: "{host} has ended it.", de: "{host} hat sie beendet." },
  "recap.yours": { en: "You have ended it.", de: "Du hast sie beendet." },
  "recap.host_timeout": {
    en: "The host did not come back, so it ended.",
    de: "Der Gastgeber kam nicht zurück, darum war Schluss.",
  },
  "recap.lasted": { en: "{time} together", de: "{time} zusammen" },
  "recap.lastedLabel": { en: "together", de: "zusammen" },
  "recap.guests": {
    en: { one: "guest came", other: "guests came" },
    de: { one: "Gast war da", other: "Gäste waren da" },
  },
  "recap.messages": { en: { one: "message", other: "messages" }, de: { one: "Nachricht", other: "Nachrichten" } },
  "recap.reactions": { en: { one: "reaction", other: "reactions" }, de: { one: "Reaktion", other: "Reaktionen" } },
  "recap.picture": { en: "The party as a picture", de: "Die Party als Bild" },
  "recap.share": { en: "Share the picture", de: "Bild teilen" },
  "recap.save": { en: "Save the picture", de: "Bild speichern" },
  "recap.again": { en: "Start another party", de: "Noch eine Party starten" },
  "recap.shareText": { en: "Our party, in figures", de: "Unsere Party in Zahlen" },
  "time.seconds": {
    en: { one: "{n} second", other: "{n} seconds" },
    de: { one: "{n} Sekunde", other: "{n} Sekunden" },
  },
  "time.minutes": { en: { one: "{n} minute", other: "{n} minutes" }, de: { one: "{n} Minute", other: "{n} Minuten" } },
  "time.hours": { en: "{h} h {m} min", de: "{h} Std. {m} Min." },

  // Notices: what did not work
  "notice.not_connected": {
    en: "Not sent: you are not connected right now.",
    de: "Nicht gesendet: gerade keine Verbindung.",
  },
  "notice.lost": {
    en: "The connection broke, so this may not have arrived.",
    de: "Die Verbindung brach ab; vielleicht kam es nicht an.",
  },
  "notice.store_unavailable": {
    en: "The party can’t be reached right now. Try again.",
    de: "Die Party ist gerade nicht erreichbar. Versuch es nochmal.",
  },
  "notice.rate_limited": {
    en: "That was too much at once. Slow down a little.",
    de: "Das war zu viel auf einmal. Etwas langsamer bitte.",
  },
  "notice.too_long": { en: "That is too long.", de: "Das ist zu lang." },
  "notice.not_host": { en: "Only the host can do that.", de: "Das kann nur der Gastgeber." },
  "notice.invalid_target": { en: "That guest is gone.", de: "Dieser Gast ist nicht mehr da." },
  "notice.target_away": {
    en: "{name} is away right now. Only someone who is here can host.",
    de: "{name} ist gerade weg. Gastgeber kann nur sein, wer da ist.",
  },
  "notice.chat_locked": { en: "Only the host may speak right now.", de: "Gerade darf nur der Gastgeber sprechen." },
  "notice.emoji_only": { en: "Only reactions right now.", de: "Gerade gehen nur Reaktionen." },
  "notice.failed": { en: "That did not work. Try again.", de: "Das hat nicht geklappt. Versuch es nochmal." },
  "notice.notEnded": {
    en: "Without a connection the party could not be ended. It ends by itself if you stay away.",
    de: "Ohne Verbindung ließ sich die Party nicht beenden. Sie endet von selbst, wenn du wegbleibst.",
  },
  "notice.leftOffline": {
    en: "You left without a connection: the party learns of it in a while.",
    de: "Du bist ohne Verbindung gegangen: Die Party merkt es nach einer Weile.",
  },
  "notice.noStorage": {
    en: "This browser keeps nothing (private mode?), so stay on this page: a reload gives you a new seat.",
    de: "Dieser Browser speichert nichts (privater Modus?). Bleib auf dieser Seite: Nach dem Neuladen hast du einen neuen Platz.",
  },

  // What screen readers hear
  "announcement.joined": { en: "{first} joined", de: "{first} ist da" },
  "announcement.joined.more": {
    en: { one: "{first} and {n} more joined", other: "{first} and {n} more joined" },
    de: { one: "{first} und {n} weitere Person sind da", other: "{first} und {n} weitere sind da" },
  },
  "announcement.left": { en: "{first} left", de: "{first} ist gegangen" },
  "announcement.left.more": {
    en: { one: "{first} and {n} more left", other: "{first} and {n} more left" },
    de: { one: "{first} und {n} weitere Person sind gegangen", other: "{first} und {n} weitere sind gegangen" },
  },
  "announcement.said": { en: "{name}: {text}", de: "{name}: {text}" },
  "announcement.said.more": {
    en: { one: "{name}: {text}, and {n} more message", other: "{name}: {text}, and {n} more messages" },
    de: { one: "{name}: {text}, und {n} weitere Nachricht", other: "{name}: {text}, und {n} weitere Nachrichten" },
  },
  "announcement.host": { en: "{name} is the host now", de: "{name} ist jetzt Gastgeber" },
  "announcement.youHost": { en: "You are the host now", de: "Du bist jetzt Gastgeber" },
  "announcement.playing": { en: "Now playing: {track}", de: "Jetzt läuft: {track}" },
  "announcement.mode.OPEN": { en: "Guests may talk now", de: "Gäste dürfen jetzt reden" },
  "announcement.mode.EMOJI_ONLY": { en: "Guests may react now", de: "Gäste dürfen jetzt reagieren" },
  "announcement.mode.LOCKED": { en: "Guests may listen now", de: "Gäste dürfen jetzt zuhören" },
  "announcement.locked": { en: "The door is locked now", de: "Die Tür ist jetzt zu" },
  "announcement.unlocked": { en: "The door is open again", de: "Die Tür ist wieder offen" },
  "announcement.back": { en: "You are connected again", de: "Du bist wieder verbunden" },
};
