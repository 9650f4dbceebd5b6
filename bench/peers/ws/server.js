// The same words as Hubbub's. One message: one publish to the party's channel; every instance that has members
// of the party is subscribed to it and writes what comes, as one frame made once, to each of them.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';

const HEARTBEAT_MS = 25_000;

const publisher = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) });
const subscriber = publisher.duplicate();
const parties = new Map(); // channel → the sockets of its members here

const newId = () => randomBytes(9).toString('base64url');
const tell = (socket, message) => socket.send(JSON.stringify(message));

subscriber.on('messageBuffer', (channel, payload) => {
  for (const socket of parties.get(channel.toString()) ?? []) socket.send(payload, { binary: false });
});

async function seat(socket, code, answer) {
  socket.member = { channel: `party:${code}`, id: newId(), name: 'Guest' };
  const { channel, id } = socket.member;
  const members = parties.get(channel);
  if (members) members.add(socket);
  else parties.set(channel, new Set([socket]));
  await subscriber.subscribe(channel);
  tell(socket, { t: answer, code, memberId: id });
  tell(socket, { t: 'ROOM', snapshot: { code, guestCount: parties.get(channel).size - 1 } });
}

function unseat(socket) {
  if (!socket.member) return;
  const { channel } = socket.member;
  const members = parties.get(channel);
  members.delete(socket);
  if (members.size) return;
  parties.delete(channel);
  subscriber.unsubscribe(channel);
}

const commands = {
  CREATE: (socket) => seat(socket, randomBytes(8).toString('hex').toUpperCase(), 'CREATED'),
  JOIN: (socket, { code }) => seat(socket, code, 'JOINED'),
  SEND_MESSAGE(socket, { text }) {
    const { channel, id, name } = socket.member;
    const event = { t: 'MESSAGE', id: newId(), memberId: id, name, text, at: Date.now() };
    return publisher.publish(channel, JSON.stringify(event));
  },
};

const server = new WebSocketServer({
  host: '127.0.0.1', port: Number(process.env.PORT), path: '/ws', perMessageDeflate: false, maxPayload: 8192,
});

server.on('connection', (socket) => {
  socket.alive = true;
  socket.on('pong', () => { socket.alive = true; });
  socket.on('close', () => unseat(socket));
  socket.on('error', () => socket.terminate());
  socket.on('message', async (data) => {
    try {
      const message = JSON.parse(data);
      await commands[message.t](socket, message);
    } catch (error) {
      tell(socket, { t: 'ERROR', error: String(error) });
    }
  });
  tell(socket, { t: 'WELCOME', clientId: newId(), heartbeatSeconds: HEARTBEAT_MS / 1000 });
});

setInterval(() => {
  for (const socket of server.clients) {
    if (!socket.alive) socket.terminate();
    socket.alive = false;
    socket.ping();
  }
}, HEARTBEAT_MS);
