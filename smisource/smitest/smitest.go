// Package smitest writes logs of nvidia-smi for tests.
package smitest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Base is when the times of logs begin: 2023-11-14T22:13:20Z, in seconds since 1970.
const Base = 1_700_000_000

// Log returns a log of nvidia-smi in UTC. The readings of a GPU are times in seconds
// after [Base] and watts, such as "-1:100,1:140"; a time may be a range of whole
// seconds, "-1..11:500". "8*" in front means as many GPUs. The error says that a
// GPU's readings are not of this form.
func Log(gpus ...string) (string, error) {
	var b strings.Builder
	b.WriteString("timestamp, index, power.draw [W], temperature.gpu, clocks.current.sm [MHz]\n")
	index := 0
	for _, g := range gpus {
		n := 1
		if count, rest, found := strings.Cut(g, "*"); found {
			var err error
			if n, err = strconv.Atoi(count); err != nil {
				return "", err
			}
			g = rest
		}
		for range n {
			if err := rows(&b, index, g); err != nil {
				return "", err
			}
			index++
		}
	}
	return b.String(), nil
}

// rows writes the readings of a GPU.
func rows(b *strings.Builder, index int, readings string) error {
	for r := range strings.SplitSeq(readings, ",") {
		when, watts, _ := strings.Cut(r, ":")
		from, to, ranged := strings.Cut(when, "..")
		first, err := strconv.ParseFloat(from, 64)
		if err != nil {
			return err
		}
		last := first
		if ranged {
			if last, err = strconv.ParseFloat(to, 64); err != nil {
				return err
			}
		}
		for at := first; at <= last; at++ {
			fmt.Fprintf(b, "%s, %d, %s W, 65, 1980 MHz\n", Stamp(at), index, watts)
		}
	}
	return nil
}

// Stamp is a time stamp of nvidia-smi, in seconds after [Base].
func Stamp(at float64) string {
	return time.UnixMilli(Base*1000 + int64(math.Round(at*1000))).UTC().Format("2006/01/02 15:04:05.000")
}
