package energy

import (
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
)

// CrossCheck is what the counter and the power gauge of one device say of the same
// window, as mean power. It is there also where the number is withheld because of it.
type CrossCheck struct {
	Counter PowerEstimate `json:"counter"`
	// Gauge has an interval for all that a power gauge leaves open: when the power
	// changed between its readings, how late they are, what of the time they do not show,
	// and the gain or the offset of the board's sensor.
	Gauge PowerEstimate `json:"gauge"`
	// Ratio is the watts of the counter divided by those of the gauge.
	Ratio float64 `json:"ratio"`
}

const (
	// gaugeGain and gaugeOffset bound the error of a board's power sensor: of boards that
	// were seen beside an external meter the largest gains were 0.94 and 1.11, and one
	// had an offset of -22 W.
	gaugeGain   = 0.12
	gaugeOffset = 25.0
	// gaugeUnseen is the share of a window that readings can get wrong because each is of
	// a part of its time only, by how many there are: beside an external meter an A100,
	// whose sensor looks at 25 of each 100 ms, was 44 % off in windows of 10 readings and
	// 11 % in those of 50, under a load of about that period.
	gaugeUnseen = 4.5
	// worstRatio is from where on a disagreement withholds.
	worstRatio = 1.25
)

// crossCheck compares a counter with the power gauge of the same device. A gauge that
// says what the device cannot draw is no check.
func crossCheck(c *curve, d *DeviceMeasurement, spans []span) {
	mean := c.mean
	mean.Period = c.expected()
	g, ok := gauge.CrossCheck(c.powerAround(spans), mean)
	on := time.Duration(counted(spans))
	secs := on.Seconds()
	if !ok || !(g.Joules > 0) || !c.device.canDraw(g.Joules/secs, on) {
		return
	}
	d.GaugeJoules, d.HasGauge = g.Joules, true
	unseen := 0.0
	if g.PartTime {
		readings := c.looks(spans[0].start, spans[len(spans)-1].end)
		if mean.Watts > 0 {
			readings = max(readings, secs*float64(time.Second)/mean.Period)
		}
		unseen = gaugeUnseen / max(readings, 1)
	}
	x := CrossCheck{
		Counter: PowerEstimate{d.Watts, d.Energy.Low / secs, d.Energy.High / secs},
		Gauge:   PowerEstimate{Watts: g.Joules / secs, Low: g.Low / secs, High: g.High / secs}.ofSensor(unseen),
	}
	x.Ratio = x.Counter.Watts / x.Gauge.Watts
	d.Check = &x
	if x.Counter.Low <= x.Gauge.High && x.Gauge.Low <= x.Counter.High {
		return
	}
	if x.Ratio <= worstRatio && x.Ratio >= 1/worstRatio {
		d.find(CounterDisagrees, "%v", x)
		return
	}
	d.Reasons = append(d.Reasons, Finding{Reason: CounterDisagrees, Device: d.Device.UUID, Detail: x.String(), Withheld: true})
	d.withdraw()
}

// looks returns how many looks at a device there were between two times. Each tick took a
// reading, at least, but of two that are close together, as where the ticks between such pairs
// are passed over, both saw the same: it is the number of equal gaps whose lengths would vary
// as little.
func (c *curve) looks(from, to int64) float64 {
	sum, squares, last := 0.0, 0.0, from
	for _, t := range c.ticks {
		if t.Hi <= last || t.Hi > to {
			continue
		}
		gap := float64(t.Hi - last)
		sum, squares, last = sum+gap, squares+gap*gap, t.Hi
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / squares
}

// ofSensor returns the power that is behind a reading: with the error of the sensor, and
// a share of the time that it does not show.
func (p PowerEstimate) ofSensor(unseen float64) PowerEstimate {
	const least = 0.05 // of the power, that something shows
	p.Low = max(min(p.Low/(1+gaugeGain+unseen), (p.Low-gaugeOffset)/(1+unseen)), 0)
	p.High = max(p.High/max(1-gaugeGain-unseen, least), (p.High+gaugeOffset)/max(1-unseen, least))
	return p
}

// String says it in words, with the cause that the ratio shows.
func (x CrossCheck) String() string {
	text := fmt.Sprintf("the counter says %.4g W (%.4g to %.4g), the power gauge %.4g W (%.4g to %.4g with the error of its sensor): %s",
		x.Counter.Watts, x.Counter.Low, x.Counter.High, x.Gauge.Watts, x.Gauge.Low, x.Gauge.High, timesOf(x.Ratio))
	for factor, cause := range map[float64]string{
		1e-3: "joules under a name of millijoules, as a relabelling makes them",
		1e3:  "millijoules under a name of joules",
		1e-6: "joules under a name of microjoules",
		1e6:  "microjoules under a name of joules",
	} {
		if math.Abs(math.Log(x.Ratio/factor)) < math.Log(worstRatio) {
			text += ", which looks like " + cause
		}
	}
	return text
}

// timesOf says a ratio in words.
func timesOf(ratio float64) string {
	if ratio < 1 {
		return fmt.Sprintf("the gauge is %.4g times the counter", 1/ratio)
	}
	return fmt.Sprintf("the counter is %.4g times the gauge", ratio)
}
