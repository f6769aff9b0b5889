"""A model as a web page and an HTTP API for one machine or a hospital's own network.

| module | holds |
|---|---|
| `run` | starts the server: address, token, timeouts of connections |
| `app` | the routes: page, results, API |
| `guard` | what every request must satisfy first: host, origin, token, size, time |
| `upload` | a multipart request to a private patient folder |
| `workers` | processes that hold the model and predict, bounded in number and time |
| `worker` | what runs inside such a process |
| `words/` | the text of the page in English and Chinese |
| `answers` | the shape of requests and answers, and from it the OpenAPI description |
"""
