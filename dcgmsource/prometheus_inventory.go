package dcgmsource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/joulebench/joulebench/powertest/energy"
)

// takeInventory finds out which GPUs there are, and sets the devices. It returns
// the job of each device's target.
func (s *PrometheusSource) takeInventory(ctx context.Context) (jobs []string, err error) {
	rows, err := s.instant(ctx, s.series(metricNames()))
	if errors.Is(err, ErrBadQuery) {
		return nil, fmt.Errorf("prometheus: the selector %s is not understood: write PromQL matchers, such as {job=\"dcgm\",cluster=~\"a|b\"} (%w)", s.cfg.Selector, err)
	}
	if err != nil {
		return nil, err
	}
	found := byUUID(rows)
	s.powers = powersIn(rows)
	if len(found) == 0 {
		return nil, s.nothing(len(rows))
	}
	if err := s.checkUnknown(ctx, found); err != nil {
		return nil, err
	}
	return s.choose(found)
}

// nothing is the error of a server that has no GPU for us.
func (s *PrometheusSource) nothing(rows int) error {
	selector := s.series(metricNames())
	if rows > 0 {
		return fmt.Errorf("prometheus: %w: the %d series of %s have no label UUID: check the relabelling", energy.ErrNoDevice, rows, selector)
	}
	return fmt.Errorf("prometheus: %w: %s has no recent sample of %s: check that the selector is right, that the targets are up, and that the exporters' list of counters has the energy", energy.ErrNoDevice, s.wire.host, selector)
}

// byUUID returns, for each GPU, the series of the best metric that it has.
func byUUID(rows []model.Metric) map[string][]model.Metric {
	found := map[string][]model.Metric{}
	for _, r := range rows {
		uuid, rank := deviceOf(labelsOf(r)).UUID, rankOf(r)
		if uuid == "" || rank < 0 {
			continue
		}
		switch had := found[uuid]; {
		case len(had) == 0 || rank < rankOf(had[0]):
			found[uuid] = []model.Metric{r}
		case rank == rankOf(had[0]):
			found[uuid] = append(had, r)
		}
	}
	return found
}

// powersIn returns the power metrics that there are series of.
func powersIn(rows []model.Metric) []string {
	names := map[string]bool{}
	for _, r := range rows {
		if rank := rankOf(r); rank >= 0 && metrics[rank].kind == powerKind {
			names[metrics[rank].name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func labelsOf(r model.Metric) labels {
	return func(name string) string { return string(r[model.LabelName(name)]) }
}

// rankOf returns the position of a series' metric in metrics; -1 if it is none
// of them.
func rankOf(r model.Metric) int { return metricNamed(string(r[model.MetricNameLabel])) }

func metricNames() []string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = m.name
	}
	return names
}

// checkUnknown makes sure that a GPU without a known energy metric has no other:
// its unit would be anyone's guess, and its power is worse than its energy.
func (s *PrometheusSource) checkUnknown(ctx context.Context, found map[string][]model.Metric) error {
	poor := 0
	for _, rows := range found {
		if metrics[rankOf(rows[0])].kind != energyKind {
			poor++
		}
	}
	if poor == 0 {
		return nil
	}
	rows, err := s.instant(ctx, s.series(nil, `__name__=~"(?i).*dcgm.*(energy|joule).*"`))
	if err != nil {
		return err
	}
	unknown := map[string]bool{}
	for _, r := range rows {
		name, known := string(r[model.MetricNameLabel]), found[deviceOf(labelsOf(r)).UUID]
		if energyLike(name) && known != nil && metrics[rankOf(known[0])].kind != energyKind {
			unknown[name] = true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return fmt.Errorf("prometheus: %w: %d GPUs have no energy metric that is known, but %s: known are %s",
		ErrUnknownMetric, poor, strings.Join(slices.Sorted(maps.Keys(unknown)), ", "), strings.Join(metricNames(), ", "))
}

// instant returns the labels of the series that an expression has now.
func (s *PrometheusSource) instant(ctx context.Context, expr string) ([]model.Metric, error) {
	value, warnings, _, err := s.wire.small().Query(ctx, expr, time.Time{})
	if err != nil {
		return nil, s.wire.asked(err)
	}
	if err := s.wire.complete(reply{Warnings: warnings}); err != nil {
		return nil, err
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("prometheus: %s answers a query for series with a %v: it is not a Prometheus API", s.wire.host, value.Type())
	}
	list := make([]model.Metric, len(vector))
	for i, v := range vector {
		list[i] = v.Metric
	}
	return list, nil
}
