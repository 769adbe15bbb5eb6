package main

import (
	"context"
	"fmt"
	"time"

	"github.com/preau-ent/preau/internal/app"
)

type serveCmd struct {
	app.Config `embed:""`
	HaveBackup bool `help:"The schema may be upgraded without Préau making a backup: you have one."`
}

// pauseAtStart is how long letters found waiting stay, so that whoever sees their number
// can still stop them.
const pauseAtStart = time.Minute

func (c *serveCmd) Run(ctx context.Context, s streams) error {
	log := logger(c.Config, s.err)
	a, err := app.Open(ctx, c.Config, app.Options{Log: log, HaveBackup: c.HaveBackup, Pause: pauseAtStart})
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Serve(ctx, func(addr string) {
		fmt.Fprintf(s.out, "Préau listens on http://%s\n", addr)
		for channel, carrier := range a.Courier.Carriers().Names() {
			log.Info("carrier", "channel", string(channel), "carrier", carrier)
		}
	})
}
