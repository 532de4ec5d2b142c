"""A small OpenAI-compatible server with a transformer of random weights, to load a GPU as serving does.

    python3 serve.py PORT [LAYERS WIDTH DEVICE]

It streams POSTs to /v1/chat/completions. A word of the prompt is a token. Prompts are read
one at a time, answers are written together, at most SLOTS of them. It needs PyTorch.
"""

import json
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from torch.nn import functional as F

SLOTS, LONGEST, HEAD = 64, 512, 128


class Model:
    def __init__(self, layers, width, device):
        self.width, self.device = width, device
        self.type = torch.bfloat16 if device == "cuda" else torch.float32

        def weight(rows, columns):
            return torch.randn(rows, columns, device=device, dtype=self.type) / rows**0.5

        self.layers = [
            (weight(width, 3 * width), weight(width, width), weight(width, 4 * width), weight(4 * width, width))
            for _ in range(layers)
        ]
        self.words = weight(32000, width)
        shape = (layers, 2, SLOTS, width // HEAD, LONGEST, HEAD)
        self.cache = torch.zeros(shape, device=device, dtype=self.type)

    @torch.inference_mode()
    def forward(self, tokens, slots, at):
        """Tokens [n, m] of the slots, which begin at the places in the slots."""
        n, m = tokens.shape
        x = self.words[tokens]
        places = at[:, None] + torch.arange(m, device=self.device)
        seen = torch.arange(LONGEST, device=self.device)[None, None, None] <= places[:, None, :, None]
        for (qkv, out, up, down), (keys, values) in zip(self.layers, self.cache):
            q, k, v = (y.view(n, m, -1, HEAD) for y in (F.layer_norm(x, (self.width,)) @ qkv).chunk(3, -1))
            index = slots[:, None].expand(n, m)
            keys[index, :, places], values[index, :, places] = k, v
            y = F.scaled_dot_product_attention(q.transpose(1, 2), keys[: n] if m == 1 else keys[slots],
                                               values[: n] if m == 1 else values[slots], attn_mask=seen)
            x = x + y.transpose(1, 2).reshape(n, m, self.width) @ out
            x = x + F.gelu(F.layer_norm(x, (self.width,)) @ up) @ down
        return (F.layer_norm(x[:, -1], (self.width,)) @ self.words.T).argmax(-1)


class Engine(threading.Thread):
    """Answers all requests. Those that are under way have the slots from 0 on."""

    def __init__(self, model):
        super().__init__(daemon=True)
        self.model, self.waiting, self.active = model, queue.Queue(), []

    def run(self):
        while True:
            while len(self.active) < SLOTS and (not self.active or not self.waiting.empty()):
                self.begin(self.waiting.get())
            self.step()

    def begin(self, request):
        slot = len(self.active)
        prompt = torch.randint(0, 32000, (1, request["prompt"]), device=self.model.device)
        token = self.model.forward(prompt, torch.tensor([slot], device=self.model.device), torch.zeros(1, dtype=torch.long, device=self.model.device))
        request["at"], request["token"] = request["prompt"], token.item()
        self.active.append(request)
        self.told(request)

    def step(self):
        device = self.model.device
        tokens = torch.tensor([[r["token"]] for r in self.active], device=device)
        at = torch.tensor([r["at"] for r in self.active], device=device)
        slots = torch.arange(len(self.active), device=device)
        for r, token in zip(self.active, self.model.forward(tokens, slots, at).tolist()):
            r["at"], r["token"] = r["at"] + 1, token
            self.told(r)
        for slot in reversed(range(len(self.active))):
            if self.active[slot]["left"] <= 0:
                last = self.active.pop()
                if slot < len(self.active):
                    self.model.cache[:, :, slot] = self.model.cache[:, :, len(self.active)]
                    self.active[slot] = last

    def told(self, request):
        request["left"] -= 1
        request["out"].put(request["left"] <= 0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words = sum(len(m["content"].split()) for m in body["messages"])
        prompt = max(1, min(words, LONGEST - 128))
        limit = max(1, min(body.get("max_tokens", 100), 127))
        out = queue.Queue()
        self.server.engine.waiting.put({"prompt": prompt, "left": limit, "out": out})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        last = False
        while not last:
            last = out.get()
            self.say({"choices": [{"index": 0, "delta": {"content": "word "}}]})
        self.say({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": limit, "total_tokens": prompt + limit}})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def say(self, chunk):
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main():
    port, layers, width, device = (sys.argv[1:] + ["24", "4096", "cuda"][len(sys.argv) - 2:])[:4]
    server = Server(("127.0.0.1", int(port)), Handler)
    server.engine = Engine(Model(int(layers), int(width), device))
    server.engine.start()
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
