package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/preau-ent/preau/internal/app"
)

type serveCmd struct {
	app.Config `embed:""`
	Control    int  `help:"File descriptor of a drill's commands; the next one is for answers." hidden:""`
	HaveBackup bool `help:"The schema may be upgraded without Préau making a backup: you have one."`
}

// pauseAtStart is how long letters found waiting stay, so that whoever sees their number
// can still stop them.
const pauseAtStart = time.Minute

// The memory's collector. A password needs 19 MiB for as long as it is checked: at the usual
// percentage, while everybody signs in, the collector runs nine times a second and takes a
// tenth of the machine. Beyond collectAlways bytes it runs as often as it must, whatever that
// costs. GOGC and GOMEMLIMIT win.
const (
	collectPercent = 400
	collectAlways  = 1 << 30
)

func collect() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(collectAlways)
	}
}

func (c *serveCmd) Run(ctx context.Context, s streams) error {
	collect()
	log := logger(c.Config, s.err)
	o := app.Options{Log: log, HaveBackup: c.HaveBackup, Pause: pauseAtStart}
	if c.Control > 0 {
		var err error
		if o.Control, o.Clock, err = app.NewControl(os.NewFile(uintptr(c.Control), "control"), os.NewFile(uintptr(c.Control+1), "answers")); err != nil {
			return err
		}
	}
	a, err := app.Open(ctx, c.Config, o)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Serve(ctx, func(addr string) {
		scheme := "http"
		if a.Config.Web.Encrypts() {
			scheme = "https"
		}
		fmt.Fprintf(s.out, "Préau listens on %s://%s\n", scheme, addr)
		if at := a.MetricsAddr(); at != nil {
			log.Info("figures for Prometheus", "addr", at.String())
		}
		for channel, carrier := range a.Courier.Carriers().Names() {
			log.Info("carrier", "channel", string(channel), "carrier", carrier)
		}
	})
}
