package world

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Recorded is the power of a real board under load, by an external meter.
type Recorded struct {
	Name       string
	step       float64   // seconds between samples
	joules     []float64 // cumulated
	start, end float64   // of the load, since the first sample
}

// ReadRecordings reads the recordings in the subdirectories of a directory: truth.csv with
// cumulated joules at equal steps of time, and load.csv with the times of the load's edges.
func ReadRecordings(dir string) ([]Recorded, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "truth.csv"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no recordings in %s: %w", dir, os.ErrNotExist)
	}
	sort.Strings(paths)
	var list []Recorded
	for _, path := range paths {
		rec, err := readRecording(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		list = append(list, rec)
	}
	return list, nil
}

func readRecording(dir string) (Recorded, error) {
	truth, err := readPairs(filepath.Join(dir, "truth.csv"))
	if err != nil {
		return Recorded{}, err
	}
	edges, err := readPairs(filepath.Join(dir, "load.csv"))
	if err != nil {
		return Recorded{}, err
	}
	if len(truth) < 2 || len(edges) < 1 {
		return Recorded{}, fmt.Errorf("recording %s is empty", dir)
	}
	first, last := truth[0][0], truth[len(truth)-1][0]
	rec := Recorded{
		Name: filepath.Base(dir), step: (last - first) / float64(len(truth)-1),
		start: edges[0][0] - first, end: edges[0][1] - first,
	}
	for _, row := range truth {
		rec.joules = append(rec.joules, row[1])
	}
	return rec, nil
}

// readPairs reads a file of two numbers a line, below a line of names.
func readPairs(path string) ([][2]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows [][2]float64
	lines := bufio.NewScanner(f)
	lines.Scan()
	for lines.Scan() {
		a, b, _ := strings.Cut(lines.Text(), ",")
		x, err := strconv.ParseFloat(a, 64)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		y, err := strconv.ParseFloat(b, 64)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		rows = append(rows, [2]float64{x, y})
	}
	return rows, lines.Err()
}

// play lays out the recording from one of its times to another, at a gain.
func (rec Recorded) play(b *Board, from, to, gain float64) {
	for i := int(from / rec.step); i < min(int(to/rec.step), len(rec.joules)-1); i++ {
		b.Hold(rec.step, gain*(rec.joules[i+1]-rec.joules[i])/rec.step)
	}
}

// Boards is a load of recorded boards: work is the beginning and the end of the recorded
// load, as much of each as fits, with the power before and after it as it was.
func Boards(recordings []Recorded) Load {
	return func(b *Board, _ float64) func(from, length float64) {
		rec := recordings[b.Rand.IntN(len(recordings))]
		gain := between(b.Rand, 0.7, 1.4)
		before := int((rec.start - 0.05) / rec.step)
		b.Idle = gain * rec.joules[before] / (float64(before) * rec.step)
		b.Begin(0.0001)
		b.Hold(0.001, b.Idle)
		return func(from, length float64) {
			half := min(length, rec.end-rec.start) / 2
			b.Begin(from)
			rec.play(b, rec.start, rec.start+half, gain)
			for b.End() < from+length-half {
				rec.play(b, rec.end-half-0.1, rec.end-half, gain)
			}
			b.Begin(from + length - half)
			rec.play(b, rec.end-half, float64(len(rec.joules))*rec.step, gain)
			b.Hold(0.001, b.Idle)
		}
	}
}
