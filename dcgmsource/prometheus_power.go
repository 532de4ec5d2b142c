package dcgmsource

import (
	"context"
	"fmt"

	"github.com/joulebench/joulebench/powertest/energy"
)

// enoughPower is how many samples of the power make a cross-check.
const enoughPower = 10

// checkPower tells the curves of counters the mean of the power gauge over the
// window, as the cross-check. Without it a number stands all the same, so what
// the server does not answer is left out.
func (p *past) checkPower(ctx context.Context) {
	if len(p.spans) != 1 || len(p.gauges) == len(p.devices) || p.window.ms() < enoughPower*p.scrape.Milliseconds() {
		return
	}
	for _, name := range p.powers {
		if watts, err := p.meanPower(ctx, name); err == nil {
			for device, w := range watts {
				if p.devices[device].Method == energy.Counter {
					p.curves[device].MeanPower(p.spans[0].Start, p.spans[0].End, w)
				}
			}
		}
	}
}

// meanPower returns the mean of a power metric over the window, in watts, of
// each device that has it in all of the window. It is the mean of all samples,
// of whatever series: the pods of a GPU follow each other, and MIG instances and
// replicas all say the same.
func (p *past) meanPower(ctx context.Context, name string) (map[int]float64, error) {
	parts := p.chunks(p.window, loadSamples)
	joules, told := map[int]float64{}, map[int]int{}
	for _, part := range parts {
		samples := ranged(p.series([]string{name}), part)
		expr := fmt.Sprintf("sum by (UUID,uuid) (sum_over_time(%s)) / sum by (UUID,uuid) (count_over_time(%s))", samples, samples)
		b, err := p.ask(ctx, expr, part.to)
		if err != nil {
			return nil, err
		}
		for _, r := range b.runs {
			watts := b.samples[r.first].value
			joules[int(r.device)] += watts * float64(part.ms()+1)
			told[int(r.device)]++
		}
	}
	whole := float64(p.window.ms() + 1)
	for device, n := range told {
		if joules[device] /= whole; n < len(parts) || !(joules[device] >= 0) {
			delete(joules, device)
		}
	}
	return joules, nil
}
