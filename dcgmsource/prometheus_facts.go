package dcgmsource

import "time"

// ServerFacts are what is known of a Prometheus server.
type ServerFacts struct {
	// Scrape is the longest interval at which it scrapes one of the devices.
	Scrape time.Duration
	// Offset is its clock minus this machine's, known to ± Within.
	Offset, Within time.Duration
}

// Server returns what was seen of the server when it was last asked for the time:
// when it was opened, or after a window.
func (s *PrometheusSource) Server() ServerFacts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.looks[len(s.looks)-1]
	return ServerFacts{Scrape: s.scrape, Offset: time.UnixMilli(c.server).Sub(c.local.Round(0)), Within: c.err}
}
