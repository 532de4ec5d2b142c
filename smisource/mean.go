package smisource

import (
	"math"
	"time"

	"github.com/joulebench/joulebench/internal/sensors"
)

// beside is what the rows of a GPU show of a column of power beside an instant one: whether
// it is of another sensor, and so a mean over a second.
type beside struct {
	reading  sensors.Reading // of the newest row
	rows     int
	instants [2]float64 // of the newest two rows
	draw     float64    // of the newest row
	// moved is in how many rows the instant one had another value than in the row before,
	// and apart in how many of those the other one had a value that it had in no row near.
	moved, apart int
}

// unlike is by how much values differ, as a share, that are not those of one refresh.
const unlike = 0.02

func differ(a, b float64) bool { return math.Abs(a-b) > unlike*math.Max(a, b) }

// see takes in a row.
func (b *beside) see(instant, draw float64) {
	before, now := b.instants[0], b.instants[1]
	if b.rows > 1 && differ(before, now) {
		b.moved++
		if differ(b.draw, before) && differ(b.draw, now) && differ(b.draw, instant) {
			b.apart++
		}
	}
	b.rows++
	b.instants, b.draw = [2]float64{now, instant}, draw
}

// Two readings of one sensor are a few ms apart, and a refresh of each 100 ms comes in
// between in few rows. So many rows, and such a share of them, show two sensors.
const (
	apartOften = 5
	apartShare = 1. / 3
)

// two reports whether the columns are not of one sensor.
func (b *beside) two() bool {
	return b.apart >= apartOften && float64(b.apart) >= apartShare*float64(b.moved)
}

// known reports whether no more rows are needed. What differs is counted in all of them, since
// refreshes can come in between by chance in many of the first.
func (b *beside) known() bool { return b.rows > 0 && b.reading == sensors.Average }

// compare takes in what a row has of both columns.
func (g *gpu) compare(row [][]byte, h *header) {
	if h.instant == nil || h.mean == nil || g.covering || g.beside.known() {
		return
	}
	instant, flaw := h.instant.quantity(cell(row, h.instant.at))
	mean, flawed := h.mean.quantity(cell(row, h.mean.at))
	if flaw == fine && flawed == fine {
		g.beside.reading = h.mean.reading
		g.beside.see(instant, mean)
	}
}

// dense is how far apart rows may be for an instant power to be the better one: its sensor
// is refreshed each 20 to 105 ms, and what it shows between rows is lost. A mean over a second
// tells of all of the time, but less of where in it an edge is.
const dense = 250 * time.Millisecond

// covering returns the GPUs that are to be read by a mean over a second, which they have
// beside the instant power that they are read by.
func (l *log) covering() map[int]bool {
	all := map[int]bool{}
	for i, g := range l.gpus {
		if g.first == nil || g.first.reading != sensors.Instant || g.beside.rows == 0 || l.interval([]int{i}) <= dense {
			continue
		}
		reading := g.beside.reading
		if g.beside.two() {
			reading = sensors.NotInstant(reading, g.name)
		}
		if reading == sensors.Average {
			all[i] = true
		}
	}
	return all
}
