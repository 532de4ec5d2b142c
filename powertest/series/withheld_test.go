package series

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestLacking: what has no counter is missing in each group that it can belong to.
func TestLacking(t *testing.T) {
	lacking := func(t *testing.T, p *plant, roles ...energy.Role) (names []string) {
		o := p.options()
		o.Roles = roles
		for _, g := range p.read(t, o).Groups {
			for _, point := range g.Points {
				if len(point.Reasons) > 0 {
					assert.Equal(t, energy.PartialCohort, point.Reasons[0].Reason)
					assert.Nil(t, point.Joules)
					names = append(names, g.Name)
					break
				}
			}
		}
		return names
	}
	power := func(p *plant, uuid string) {
		for _, s := range p.series {
			if s.labels["UUID"] == uuid {
				s.labels["__name__"] = "DCGM_FI_DEV_POWER_USAGE"
			}
		}
	}
	inPlant(t, func(t *testing.T, p *plant) {
		power(p, "GPU-2")
		got := lacking(t, p, energy.Role{Name: "decode", Devices: []string{"GPU-2"}}, energy.Role{Name: "prefill", Devices: []string{"GPU-0"}})
		assert.Equal(t, []string{"all", "model big", "model small", "role decode"}, got, "which pod it has is not known")

		for _, s := range p.series { // by hosts
			delete(s.labels, "pod")
			if s.labels["job"] == "vllm" {
				s.labels["instance"] = strings.Replace(s.labels["instance"], "10.0.0.", "node-", 1)
			}
		}
		assert.Equal(t, []string{"all", "model big"}, lacking(t, p))
	})
}

// TestUnjudged: where requests of a model cannot be held to the objectives, neither can the whole.
func TestUnjudged(t *testing.T) {
	const name = "vllm:time_to_first_token_seconds_bucket"
	for what, change := range map[string]func(p *plant, s *scraped){
		"absent": func(_ *plant, s *scraped) { s.labels["__name__"] = "another" },
		"unknown": func(p *plant, s *scraped) {
			for i := range s.at {
				if s.at[i] > p.start.Add(12*time.Minute).UnixMilli() {
					s.values[i] -= s.values[0]
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				for _, s := range p.series {
					if s.labels["__name__"] == name && s.labels["model_name"] == "small" {
						change(p, s)
					}
				}
				o := p.options()
				o.Objectives = map[string]time.Duration{"ttft": 500 * time.Millisecond, "e2e": time.Second}
				s := p.read(t, o)
				for group, wrong := range map[string]bool{"all": true, "model small": true, "model big": false} {
					point := s.group(t, group).Points[2]
					assert.Equal(t, wrong, point.Good == nil, group)
					assert.NotNil(t, point.JoulesPerToken, group)
					if wrong {
						require.Len(t, point.Reasons, 1, group)
						assert.Contains(t, point.Reasons[0].Detail, "of small are not judged: of ttft")
					}
				}
			})
		})
	}
}

// TestNoQueue: prompts that a server counts as they arrive are known without a gauge of its queue.
func TestNoQueue(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		begin, end := p.start.Add(-20*time.Minute), p.start.Add(80*time.Minute)
		for name, value := range map[string]func(time.Time) float64{
			"tgi_request_input_length_sum": func(at time.Time) float64 { return 100 * math.Floor(p.tokens(0, at)/100) },
			"tgi_request_success":          func(at time.Time) float64 { return math.Floor(p.tokens(0, at) / 100) },
			"tgi_batch_current_size":       func(time.Time) float64 { return 2 },
		} {
			p.add(begin, end, 15*time.Second, 0, value, "__name__", name, "job", "tgi", "instance", "10.0.0.9:8080", "pod", "tgi-0")
		}
		for k, point := range p.read(t, p.options()).group(t, "model unnamed").Points {
			require.NotNil(t, point.Prompt, "%v", point.Reasons)
			from := p.start.Add(time.Duration(k) * 5 * time.Minute)
			within(t, p.tokens(0, from.Add(5*time.Minute))-p.tokens(0, from), *point.Prompt, 0.02)
		}
	})
}

// TestIdle: a step in which nothing was done has a number of it, which is 0.
func TestIdle(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		for _, s := range p.series {
			if s.labels["job"] == "vllm" {
				for i := range s.values {
					s.values[i] = 0
				}
			}
		}
		point := p.read(t, p.options()).group(t, "all").Points[1]
		require.NotNil(t, point.TokensPerSecond)
		assert.Equal(t, powertest.Interval{}, *point.TokensPerSecond)
		assert.Nil(t, point.JoulesPerToken)
	})
}
