package command

import (
	"fmt"
	"strings"
)

// unknown says that there is no command, flag or topic of a name, and which one may be
// meant.
func unknown(what, name string, known []string) error {
	return fmt.Errorf("there is no %s %q%s", what, name, suggestion(name, known))
}

// suggestion is a line that names the known word nearest to one that is unknown; empty
// if none is near.
func suggestion(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("\ndid you mean %s?", best)
	}
	return ""
}

// nearest returns the known word that is meant: one that a word is the beginning of, or
// that a third of its letters, and at least one, make of it; empty if there is none.
func nearest(word string, known []string) string {
	const longest = 40 // more is no slip of the hand
	word = strings.ToLower(word)
	if len(word) < 2 || len(word) > longest {
		return ""
	}
	best, least := "", 0
	for _, k := range known {
		d := slips(word, k)
		if letters := strings.Trim(word, "-"); len(letters) >= 2 && strings.HasPrefix(k, word) {
			d = 1
		}
		if d <= max(1, len(k)/3) && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// slips is how many letters are missing, too many, wrong, or two that changed places,
// between two words: the distance of optimal string alignment.
func slips(a, b string) int {
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
