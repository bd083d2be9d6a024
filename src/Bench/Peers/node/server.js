// A service with a light and a heavy route, as one writes it first in Node.js.
const express = require('express');

const app = express();

// Which worker answered, so that the bench can tell when a replacement serves.
app.use((request, response, next) => {
  response.set('X-Replica', String(process.pid));
  next();
});

app.get('/fast', (request, response) => {
  response.type('text').send('fast\n');
});

app.get('/slow', (request, response) => {
  const iterations = Number(request.query.iterations ?? 5_000_000_000);
  let done = 0;
  while (done < iterations) {
    done++;
  }
  response.type('text').send(`${done}\n`);
});

app.listen(Number(process.env.PORT), '127.0.0.1');
