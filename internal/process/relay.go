package process

import (
	"os"
	"os/exec"
	"os/signal"
)

// Relay runs a command in the place of this process, as env and time do: while it runs, the
// signals that ask this process to end, or to do something, do not do that. They are passed
// on to the command and to what it has started, and it is the command that ends, or does
// not. The error is that of exec.Cmd.Run.
//
// In the foreground of a terminal the command shares the process group of this process, so
// that it can read from the terminal, which itself sends the signals of its keys to all of
// them; others go to the command alone. Elsewhere it has a group of its own, and all
// signals go to that.
func Relay(c *exec.Cmd) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn()...)
	defer signal.Stop(signals)
	send := grouped(c)
	started := make(chan error, 1)
	ended := Start(c, started)
	if err := <-started; err != nil {
		return err
	}
	for {
		select {
		case err := <-ended:
			return err
		case s := <-signals:
			send(s)
		}
	}
}

// passedOn are the signals that are passed on: not those that this process was started to
// ignore, as by nohup, since what it starts ignores them, too.
func passedOn() []os.Signal {
	var list []os.Signal
	for _, s := range relayed {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}
