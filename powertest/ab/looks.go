package ab

import (
	"errors"
	"fmt"
	"math"
)

// ErrLooks says that there is no such plan of looks.
var ErrLooks = errors.New("no such looks")

// Look is a time at which the samples are judged.
type Look struct {
	// Count is how many samples there are per side.
	Count int `json:"count"`
	// Alpha is the level at which they are judged then.
	Alpha float64 `json:"alpha"`
}

// Looks plans to look at count samples, at twice as many, and so on, and at last
// at most samples, such that the probability of a false alarm at any look is at
// most alpha. If most is count there is one look, with all of alpha. The error
// wraps [ErrLooks].
func Looks(alpha float64, count, most int) ([]Look, error) {
	switch {
	case !(alpha > 0 && alpha < 1):
		return nil, fmt.Errorf("%w: the level is %v, and must be between 0 and 1", ErrLooks, alpha)
	case count < 1:
		return nil, fmt.Errorf("%w: the first is at %d samples, and must be at 1 or more", ErrLooks, count)
	case most < count:
		return nil, fmt.Errorf("%w: the last, at %d samples, would be before the first, at %d", ErrLooks, most, count)
	}
	var looks []Look
	before := 0.0
	for n := count; ; n += count {
		if n > most-count {
			n = most // the rest is no look of its own: it would add almost nothing
		}
		s := spent(alpha, float64(n)/float64(most))
		looks = append(looks, Look{n, s - before})
		before = s
		if n == most {
			return looks, nil
		}
	}
}

// spent is how much of alpha may have been spent when the share t of the samples
// is there: 2 - 2Φ(z/√t), where Φ(z) = 1 - alpha/2, so that all is at 1.
func spent(alpha, t float64) float64 {
	if t >= 1 {
		return alpha
	}
	return math.Erfc(math.Erfcinv(alpha) / math.Sqrt(t))
}
