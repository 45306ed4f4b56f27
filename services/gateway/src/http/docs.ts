import { join } from 'node:path';
import { FailureError, stringifyJson } from '@daybook/http';
import type { Express } from 'express';
import absolutePath from 'swagger-ui-dist/absolute-path';
import { edgeFailures } from './dialect';

const distributed = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** Without an inline script, which the content security policy forbids. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Daybook API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;
const startScript = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', validatorUrl: null });\n`;

/** Serves the document at /openapi.json and Swagger UI at /docs. */
export function mountDocs(app: Express, document: unknown): void {
  const json = stringifyJson(document);
  app.get('/openapi.json', (_req, res) => void res.type('application/json').send(json));
  app.get('/docs', (_req, res) => void res.type('html').send(page));
  app.get('/docs/:file', (req, res) => {
    const { file } = req.params;
    if (file === 'start.js') return void res.type('text/javascript').send(startScript);
    if (!distributed.includes(file)) throw new FailureError(edgeFailures.routeNotFound);
    res.sendFile(join(absolutePath(), file));
  });
}
