// One join: one GET to the store, one line in the log (unless QUIET), one JSON answer.
import express from 'express';
import { Redis } from 'ioredis';

const redis = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) });
const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '16kb' }));

app.post('/api/join-party', async (request, response) => {
  const started = performance.now();
  const code = String(request.body?.partyCode ?? '').trim().toUpperCase();
  const party = await redis.get(`party:${code}`);
  const status = party ? 200 : 404;
  response.status(status).json(party ? { ok: true } : { error: 'Party not found' });
  if (!process.env.QUIET) {
    console.error(JSON.stringify({
      time: new Date().toISOString(),
      route: '/api/join-party',
      status,
      durationMs: performance.now() - started,
      code,
      storeReadResult: party ? 'found' : 'missing',
    }));
  }
});

app.listen(process.env.PORT, '127.0.0.1');
