package world

import "strings"

// held are the criteria that today's code keeps with some room, by cell and part: seen with
// three seeds of 100 to 200 windows. (Width is among them only where the others hold: it is relative to
// the error.)
var held = hold(map[Criteria]string{
	Inside: `
		cold/100ms/meter cold/100ms/count warm/100ms/meter warm/100ms/count decay/100ms/meter
		decay/100ms/count boost/100ms/meter boost/100ms/count cold/250ms/meter cold/250ms/count cold/1s/meter
		cold/1s/count cold/10s/meter cold/10s/count warm/250ms/meter warm/250ms/count warm/1s/meter
		warm/1s/count warm/10s/meter warm/10s/count decay/250ms/meter decay/250ms/count decay/1s/meter
		decay/1s/count decay/10s/meter decay/10s/count boost/250ms/meter boost/250ms/count boost/1s/meter
		boost/1s/count boost/10s/meter boost/10s/count drain/250ms/meter drain/250ms/count drain/1s/meter
		drain/1s/count drain/10s/meter drain/10s/count delay/250ms/meter delay/250ms/count delay/1s/meter
		delay/1s/count delay/10s/meter delay/10s/count held/250ms/meter held/250ms/count held/1s/meter
		held/1s/count held/10s/meter held/10s/count stepped/250ms/meter stepped/250ms/count stepped/1s/meter
		stepped/1s/count stepped/10s/meter stepped/10s/count clocks/250ms/meter clocks/250ms/count
		clocks/1s/meter clocks/1s/count clocks/10s/meter clocks/10s/count llm/1s/meter llm/1s/count
		llm/10s/meter llm/10s/count early/250ms/meter early/250ms/count poisson/250ms/meter poisson/1s/meter
		llm/250ms/meter llm/250ms/count capping/250ms/meter capping/1s/meter batches/250ms/meter
		batches/1s/meter in-step/250ms/meter pauses/3s 8gpus/1s
		training/250ms/meter training/1s/meter batching/250ms/meter batching/1s/meter in-step/1s/meter
		requests/250ms requests/1s requests/warm/250ms requests/llm/1s phases:prefill phases:decode
		phases:whole net/1s:idle-W net/1s:net net/decay/1s:idle-W net/decay/1s:net net/clocks/1s:idle-W
		net/clocks/1s:net counter/lag-50ms counter/share-50% counter/jitter-4% counter/missed-5%
		counter/double-10% counter/step-1J counter/loaded-0.7 counter/20ms 8gpus/training/1s
		prometheus/exact/30s prometheus/30s boards/250ms/meter boards/250ms/count boards/1s/meter
		boards/1s/count boards/5s/meter boards/5s/count
		cpu/cold/50ms/meter cpu/cold/250ms/meter cpu/cold/1s/meter cpu/cold/1s/count
		cpu/decay/250ms/count cpu/training/1s/meter cpu/pauses/3s cpu/phases:prefill cpu/phases:decode cpu/phases:whole
		strange/sawtooth/250ms/meter strange/sawtooth/1s/meter strange/sawtooth/5s/meter
		strange/telegraph/250ms/meter strange/telegraph/1s/meter strange/telegraph/5s/meter
		strange/sparks/1s/meter strange/sparks/5s/meter strange/swell/250ms/meter strange/swell/1s/meter
		strange/swell/5s/meter strange/stairs/250ms/meter strange/stairs/1s/meter strange/stairs/5s/meter
		strange/drifting/cold/250ms/meter strange/drifting/cold/1s/meter strange/drifting/cold/5s/meter
		strange/drifting/warm/250ms/meter strange/drifting/warm/1s/meter strange/drifting/warm/5s/meter
		strange/aligned/250ms/meter strange/aligned/250ms/count strange/aligned/1s/meter
		strange/aligned/1s/count strange/aligned/5s/meter strange/aligned/5s/count
		strange/throttled/250ms/meter strange/throttled/250ms/count strange/throttled/1s/meter
		strange/throttled/1s/count strange/throttled/5s/meter strange/throttled/5s/count cpu/phases:rest
		h100/cold/100ms/meter h100/cold/100ms/count h100/cold/250ms/meter h100/cold/250ms/count
		h100/cold/1s/meter h100/cold/1s/count h100/cold/10s/meter h100/cold/10s/count
		h100/warm/100ms/meter h100/warm/100ms/count h100/warm/250ms/meter h100/warm/250ms/count
		h100/warm/1s/meter h100/warm/1s/count h100/warm/10s/meter h100/warm/10s/count
		h100/capped/250ms/meter h100/capped/1s/meter h100/capped/5s/meter h100/llm/250ms/meter
		h100/llm/1s/meter h100/llm/5s/meter h100/phases:prefill h100/phases:decode h100/phases:whole`,
	P95: `
		cold/100ms/meter cold/100ms/count warm/100ms/meter warm/100ms/count boost/100ms/meter
		boost/100ms/count cold/250ms/meter cold/250ms/count cold/1s/count cold/10s/meter
		cold/10s/count warm/250ms/meter warm/250ms/count warm/1s/meter warm/1s/count warm/10s/meter
		warm/10s/count decay/250ms/meter boost/250ms/meter boost/250ms/count boost/1s/meter boost/1s/count
		boost/10s/count drain/250ms/meter delay/250ms/meter delay/250ms/count delay/1s/meter
		delay/1s/count delay/10s/meter delay/10s/count held/250ms/meter held/250ms/count held/1s/meter
		held/1s/count held/10s/meter stepped/250ms/meter stepped/250ms/count stepped/1s/meter
		stepped/10s/meter stepped/10s/count clocks/250ms/meter clocks/250ms/count clocks/1s/meter
		clocks/1s/count clocks/10s/meter clocks/10s/count llm/1s/count llm/10s/count early/250ms/meter
		early/250ms/count training/1s/meter batching/250ms/meter batching/1s/meter requests/250ms
		requests/warm/250ms phases:decode phases:sum net/1s:idle-W net/1s:net net/decay/1s:idle-W
		net/decay/1s:net net/clocks/1s:idle-W net/clocks/1s:net counter/missed-5% counter/step-1J
		8gpus/training/1s prometheus/exact/30s boards/250ms/meter boards/250ms/count boards/1s/meter
		boards/1s/count boards/5s/meter boards/5s/count
		cpu/cold/50ms/meter cpu/cold/250ms/meter cpu/cold/1s/meter cpu/cold/1s/count
		cpu/decay/250ms/count cpu/training/1s/meter cpu/pauses/3s cpu/phases:prefill cpu/phases:decode`,
	Width: `
		drain/250ms/meter delay/10s/count held/250ms/meter held/1s/count stepped/250ms/meter
		stepped/250ms/count llm/1s/count llm/10s/count phases:decode 8gpus/training/1s`,
	Withheld: `
		cold/100ms/meter cold/100ms/count warm/100ms/meter warm/100ms/count decay/100ms/meter decay/100ms/count
		boost/100ms/meter boost/100ms/count`,
	Bias: `
		boards/1s/count boards/5s/meter boards/5s/count`,
})

func hold(names map[Criteria]string) map[string]Criteria {
	held := map[string]Criteria{}
	for criterion, list := range names {
		for name := range strings.FieldsSeq(list) {
			held[name] |= criterion
		}
	}
	return held
}
