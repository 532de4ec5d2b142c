"use strict";
(() => {
	const svgNS = "http://www.w3.org/2000/svg";
	const make = (name, attributes, parent) => {
		const e = document.createElementNS(svgNS, name);
		for (const k in attributes) e.setAttribute(k, attributes[k]);
		if (parent) parent.appendChild(e);
		return e;
	};
	const round = (v) => Math.round(v * 10) / 10;

	// digits writes a number as the page does: four significant digits.
	const digits = (v) => v === null || Number.isNaN(v) ? "–" : String(Number(v.toPrecision(4)));
	const watts = (v) => v === null || Number.isNaN(v) ? "not known" : v >= 10000 ? digits(v / 1000) + " kW" : digits(v) + " W";
	const seconds = (t) => {
		const a = Math.abs(t), sign = t < 0 ? "−" : "";
		if (a >= 60) {
			const h = Math.floor(a / 3600), m = Math.floor(a / 60) % 60, s = (a % 60).toFixed(1);
			return sign + (h ? h + " h " : "") + m + " min " + s + " s";
		}
		return a < 1 ? sign + digits(a * 1000) + " ms" : sign + a.toFixed(3) + " s";
	};

	// say shows texts in the readout of a figure: each is [name, value].
	const say = (out, list) => {
		out.replaceChildren(...list.map(([name, value]) => {
			const span = document.createElement("span"), b = document.createElement("b");
			b.textContent = value;
			span.append(name === "" ? "" : name + ": ", b);
			return span;
		}));
	};

	// The title of a drawing would cover it as a tooltip: its name is read out all the same.
	for (const svg of document.querySelectorAll("figure svg")) {
		const title = svg.querySelector("title");
		svg.setAttribute("aria-label", title.textContent);
		svg.removeAttribute("aria-labelledby");
		title.remove();
	}

	// shown is the drawing of a figure that is to be seen: the wide or the narrow one.
	const shown = (figure) => [...figure.querySelectorAll("svg")].find((s) => s.getClientRects().length > 0) || figure.querySelector("svg");

	// local is where a pointer is, in the units of a drawing.
	const local = (svg, event) => {
		const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
		return [p.x, p.y];
	};

	// A plain figure reads out the point that is nearest to the pointer.
	const plain = (figure) => {
		const out = figure.querySelector("output");
		let at = -1;
		const points = () => [...shown(figure).querySelectorAll(".pt")];
		const read = (list, i) => {
			at = i;
			say(out, [["", list[i].dataset.r]]);
		};
		figure.addEventListener("pointermove", (event) => {
			const svg = shown(figure), list = points();
			if (!list.length) return;
			const [x, y] = local(svg, event);
			let best = -1, least = Infinity;
			list.forEach((g, i) => {
				const b = g.getBBox();
				const dx = Math.max(b.x - x, 0, x - b.x - b.width), dy = Math.max(b.y - y, 0, y - b.y - b.height);
				const d = dx * dx + dy * dy + 1e-6 * b.width * b.height;
				if (d < least) [best, least] = [i, d];
			});
			if (best >= 0 && best !== at) read(list, best);
		});
		figure.addEventListener("keydown", (event) => {
			const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key], list = points();
			if (!by || !list.length) return;
			read(list, (at + by + list.length) % list.length);
			event.preventDefault();
		});
	};

	// A power figure is zoomed, and reads out the power of all devices at a time.
	class Power {
		constructor(figure) {
			this.figure = figure;
			this.out = figure.querySelector("output");
			const d = this.d = JSON.parse(figure.querySelector("script").textContent);
			for (const s of d.series) {
				let t = s.t0;
				s.t = s.t.map((by) => (t += by) * d.tick);
			}
			for (const list of d.ticks || []) {
				let t = 0;
				list.forEach((by, i) => list[i] = (t += by) * d.tick);
			}
			[this.from, this.to] = d.view;
			this.ticks = false;
			this.cursor = null;
			this.tools();
			this.listen();
		}

		tools() {
			const bar = this.figure.querySelector(".tools");
			const button = (text, title, act) => {
				const b = document.createElement("button");
				b.type = "button";
				b.textContent = text;
				b.title = title;
				b.addEventListener("click", () => act(b));
				bar.append(b);
				return b;
			};
			button("zoom in", "or drag over the drawing, or press +", () => this.scale(0.5));
			button("zoom out", "or press −", () => this.scale(2));
			button("◀", "earlier", () => this.shift(-0.25));
			button("▶", "later", () => this.shift(0.25));
			button("all", "or press 0", () => this.show(...this.d.view));
			if (this.d.ticks) {
				this.tickButton = button("ticks", "show when the counters changed: or press t", () => this.toggle());
				this.tickButton.setAttribute("aria-pressed", "false");
			}
			bar.hidden = false;
		}

		toggle() {
			if (!this.d.ticks) return;
			this.ticks = !this.ticks;
			this.tickButton.setAttribute("aria-pressed", String(this.ticks));
			this.draw();
		}

		// area is where the data is in the drawing that is shown.
		area() {
			const svg = shown(this.figure);
			const [x0, x1, y0, y1] = this.d.areas[svg.classList.contains("narrow") ? 1 : 0];
			return { svg, x0, x1, y0, y1 };
		}

		listen() {
			let begun = null, mark = null;
			const time = (event) => {
				const a = this.area();
				const x = Math.min(Math.max(local(a.svg, event)[0], a.x0), a.x1);
				return [x, this.from + (this.to - this.from) * (x - a.x0) / (a.x1 - a.x0), a];
			};
			for (const svg of this.figure.querySelectorAll("svg")) {
				svg.addEventListener("pointermove", (event) => {
					const [x, t, a] = time(event);
					this.read(t);
					if (begun === null) return;
					if (!mark) mark = make("path", { class: "f text cursor", "fill-opacity": 0.12 }, a.svg);
					mark.setAttribute("d", `M${round(begun[0])} ${a.y0}H${round(x)}V${a.y1}H${round(begun[0])}z`);
				});
				svg.addEventListener("pointerdown", (event) => {
					if (event.button !== 0) return;
					begun = time(event);
					if (event.pointerType === "mouse") svg.setPointerCapture(event.pointerId);
				});
				const end = (event) => {
					if (mark) mark.remove();
					const from = begun;
					begun = mark = null;
					if (!from || event.type !== "pointerup") return;
					const [x, t] = time(event);
					if (Math.abs(x - from[0]) > 6) this.show(Math.min(t, from[1]), Math.max(t, from[1]));
				};
				svg.addEventListener("pointerup", end);
				svg.addEventListener("pointercancel", end);
				svg.addEventListener("dblclick", () => this.show(...this.d.view));
			}
			this.figure.addEventListener("keydown", (event) => {
				if (event.target !== this.figure || event.ctrlKey || event.altKey || event.metaKey) return;
				const middle = this.cursor === null ? (this.from + this.to) / 2 : this.cursor;
				const act = {
					ArrowLeft: () => this.read(Math.max(middle - (this.to - this.from) / 100, this.from)),
					ArrowRight: () => this.read(Math.min(middle + (this.to - this.from) / 100, this.to)),
					"+": () => this.scale(0.5), "-": () => this.scale(2), 0: () => this.show(...this.d.view),
					Escape: () => this.show(...this.d.view), t: () => this.toggle(),
				}[event.key];
				if (act) {
					act();
					event.preventDefault();
				}
			});
			matchMedia("(max-width:640px)").addEventListener("change", () => this.draw());
		}

		scale(by) {
			const middle = this.cursor === null ? (this.from + this.to) / 2 : this.cursor;
			this.show(middle - (middle - this.from) * by, middle + (this.to - middle) * by);
		}

		shift(by) {
			const d = by * (this.to - this.from), [first, last] = this.d.view;
			const move = Math.min(Math.max(d, first - this.from), last - this.to);
			this.show(this.from + move, this.to + move);
		}

		show(from, to) {
			const [first, last] = this.d.view, least = Math.max((last - first) * 1e-6, this.d.tick * 4);
			if (to - from < least) {
				const middle = (from + to) / 2;
				[from, to] = [middle - least / 2, middle + least / 2];
			}
			this.from = Math.max(from, first);
			this.to = Math.min(to, last);
			this.draw();
			if (this.cursor !== null) this.read(Math.min(Math.max(this.cursor, this.from), this.to));
		}

		// index is that of the last point of a series that is not after a time.
		static index(t, at) {
			let low = 0, high = t.length;
			while (low < high) {
				const mid = (low + high) >> 1;
				if (t[mid] <= at) low = mid + 1; else high = mid;
			}
			return low - 1;
		}

		static power(s, at) {
			const i = Power.index(s.t, at);
			if (i < 0 || s.w[i] === null) return null;
			if (s.step) return s.w[i];
			if (s.t[i] === at) return s.w[i];
			if (i + 1 === s.t.length || s.w[i + 1] === null) return null;
			return s.w[i] + (s.w[i + 1] - s.w[i]) * (at - s.t[i]) / (s.t[i + 1] - s.t[i]);
		}

		read(at) {
			this.cursor = at;
			const list = [["time", seconds(at)]];
			const all = this.d.series, shownSeries = all.length > 18 ? all.slice(-1) : all;
			for (const s of shownSeries) list.push([s.n, watts(Power.power(s, at))]);
			for (const b of this.d.bands) {
				if (at < b.f || at >= b.t) continue;
				list.push([b.n, b.l || "–"]);
			}
			for (const b of this.d.bands) {
				if (b.k === "trouble") continue;
				if (b.fh > b.fl && at >= b.fl && at <= b.fh) list.push(["edge", b.n + " begins, known to " + seconds(b.fh - b.fl)]);
				if (b.th > b.tl && at >= b.tl && at <= b.th) list.push(["edge", b.n + " ends, known to " + seconds(b.th - b.tl)]);
			}
			say(this.out, list);
			const a = this.area();
			if (!this.line || this.line.parentNode !== a.svg) {
				if (this.line) this.line.remove();
				this.line = make("path", { class: "l text cursor", "stroke-width": 0.8 }, a.svg);
			}
			this.line.setAttribute("d", `M${round(this.x(a, at))} ${a.y0}V${a.y1}`);
		}

		x(a, t) { return a.x0 + (a.x1 - a.x0) * (t - this.from) / (this.to - this.from); }

		draw() {
			const a = this.area();
			for (const g of a.svg.querySelectorAll(".series")) this.drawSeries(a, g);
			for (const g of a.svg.querySelectorAll(".band")) this.drawBand(a, g);
			this.drawAxis(a);
			this.drawTicks(a);
		}

		// drawSeries draws what can be seen of a line: of each column the first, the least,
		// the greatest and the last point.
		drawSeries(a, g) {
			const s = this.d.series[g.dataset.s], { t, w } = s;
			const y = (v) => round(a.y1 - (a.y1 - a.y0) * v / this.d.top);
			let d = "", last = null, i = Math.max(Power.index(t, this.from), 0);
			const stop = Math.min(Power.index(t, this.to) + 2, t.length);
			const dense = stop - i > 4 * (a.x1 - a.x0);
			const point = (k) => {
				if (w[k] === null) {
					if (last !== null && s.step) d += "H" + round(this.x(a, t[k]));
					last = null;
					return;
				}
				const x = round(this.x(a, t[k])), v = y(w[k]);
				if (last === null) d += `M${x} ${v}`;
				else if (s.step) d += `H${x}V${v}`;
				else d += `L${x} ${v}`;
				last = w[k];
			};
			while (i < stop) {
				if (!dense) {
					point(i++);
					continue;
				}
				const column = Math.floor(this.x(a, t[i])), first = i;
				let least = -1, top = -1, gap = -1;
				for (; i < stop && Math.floor(this.x(a, t[i])) === column; i++) {
					if (w[i] === null) {
						if (gap < 0) gap = i;
						continue;
					}
					if (least < 0 || w[i] < w[least]) least = i;
					if (top < 0 || w[i] > w[top]) top = i;
				}
				[...new Set([first, least, top, gap, i - 1])].filter((k) => k >= 0).sort((p, q) => p - q).forEach(point);
			}
			g.firstElementChild.setAttribute("d", d || "M0 0");
		}

		drawBand(a, g) {
			const b = this.d.bands[g.dataset.b], path = g.firstElementChild;
			const clamp = (t) => Math.min(Math.max(this.x(a, t), a.x0), a.x1);
			if (!g.dataset.y) {
				const d = path.getAttribute("d");
				g.dataset.y = d.match(/^M\S+? ([\d.-]+)/)[1] + " " + (d.match(/V([\d.-]+)/) || d.match(/^M\S+? ([\d.-]+)/))[1];
			}
			const [y0, y1] = g.dataset.y.split(" ");
			const part = { lane: [b.f, b.t], shade: [b.f, b.t], from: [b.fl, b.fh], to: [b.tl, b.th], edge0: [b.f, b.f], edge1: [b.t, b.t] }[g.dataset.p];
			const x0 = clamp(part[0]), x1 = clamp(part[1]);
			const out = part[1] < this.from || part[0] > this.to;
			if (out) path.setAttribute("d", "M0 0");
			else if (g.dataset.p.startsWith("edge")) path.setAttribute("d", `M${round(x0)} ${y0}V${y1}`);
			else path.setAttribute("d", `M${round(x0)} ${y0}H${round(Math.max(x1, x0 + 0.6))}V${y1}H${round(x0)}z`);
		}

		// drawAxis puts the ticks of the time axis where they are now.
		drawAxis(a) {
			const old = [...a.svg.querySelectorAll(".xt")];
			if (!old.length) return;
			const label = old.find((e) => e.tagName === "text"), mark = old.find((e) => e.tagName === "path" && e.classList.contains("pale"));
			const line = old.find((e) => e.classList.contains("grid"));
			const ys = (e) => e ? [e.getAttribute("d").match(/^M\S+? ([\d.-]+)/)[1], e.getAttribute("d").match(/V([\d.-]+)/)[1]] : null;
			const markY = ys(mark), lineY = ys(line), unit = this.d.unit;
			const span = (this.to - this.from) / unit, rough = span / (a.x1 - a.x0 > 500 ? 10 : 5), power = 10 ** Math.floor(Math.log10(rough));
			const by = [1, 2, 5, 10].map((m) => m * power).find((v) => v >= rough * 0.999);
			const decimals = Math.max(0, Math.ceil(-Math.log10(by) - 1e-9));
			const texts = [], marks = [], lines = [];
			for (let k = Math.ceil(this.from / unit / by - 1e-9); k * by <= this.to / unit + 1e-9 * by && texts.length < 60; k++) {
				const x = round(this.x(a, k * by * unit));
				const t = make("text", { class: label.getAttribute("class"), "font-size": label.getAttribute("font-size"), x, y: label.getAttribute("y"), "text-anchor": "middle" });
				t.textContent = (k === 0 ? 0 : k * by).toFixed(decimals).replace("-", "−");
				texts.push(t);
				if (markY) marks.push(make("path", { class: mark.getAttribute("class"), "stroke-width": mark.getAttribute("stroke-width"), d: `M${x} ${markY[0]}V${markY[1]}` }));
				if (lineY) lines.push(make("path", { class: line.getAttribute("class"), "stroke-width": line.getAttribute("stroke-width"), d: `M${x} ${lineY[0]}V${lineY[1]}` }));
			}
			if (!texts.length) return;
			label.before(...texts);
			if (mark) mark.before(...marks);
			if (line) line.before(...lines);
			for (const e of old) e.remove();
		}

		// drawTicks marks when the counters changed, at the foot of the axes.
		drawTicks(a) {
			for (const e of this.figure.querySelectorAll(".counter-ticks")) e.remove();
			if (!this.ticks) return;
			const g = make("g", { class: "counter-ticks cursor" }, a.svg), height = Math.min(9, 60 / this.d.ticks.length);
			this.d.ticks.forEach((list, i) => {
				let d = "";
				const y = a.y1 - 1 - i * (height + 1);
				for (let k = 0; k + 1 < list.length; k += 2) {
					if (list[k + 1] < this.from || list[k] > this.to) continue;
					const x0 = Math.max(this.x(a, list[k]), a.x0), x1 = Math.min(Math.max(this.x(a, list[k + 1]), x0 + 0.8), a.x1);
					d += `M${round(x0)} ${round(y)}H${round(x1)}V${round(y - height)}H${round(x0)}z`;
				}
				if (d) make("path", { class: "f " + this.d.series[i].c, d }, g);
			});
		}
	}

	for (const figure of document.querySelectorAll("figure")) {
		if (figure.querySelector("script")) new Power(figure);
		else plain(figure);
	}
})();
