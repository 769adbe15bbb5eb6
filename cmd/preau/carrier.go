package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
)

// carrierCmd is about the ways out. It opens no database: it works before there is one.
type carrierCmd struct {
	List  carrierListCmd  `cmd:"" help:"List the carriers of the configuration."`
	Check carrierCheckCmd `cmd:"" help:"Connect to a carrier, sign in and leave. Nothing is sent."`
}

type carrierListCmd struct {
	app.Config `embed:""`
}

func (c *carrierListCmd) Run(s streams) error {
	carriers, err := c.Carriers(time.Now, logger(c.Config, s.err))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "name\tchannel\tweight\treceipts\treplies\n")
	for _, a := range carriers.Accounts() {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", a.Name, a.Channel, a.Weight, yes(a.Receipts), yes(a.Replies))
	}
	return w.Flush()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type carrierCheckCmd struct {
	app.Config `embed:""`
	Name       string        `arg:"" help:"The carrier's name: that of its file, or mail."`
	Timeout    time.Duration `help:"How long it may take." default:"30s"`
}

func (c *carrierCheckCmd) Run(ctx context.Context, s streams) error {
	carriers, err := c.Carriers(time.Now, logger(c.Config, s.err))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	signedIn, err := carriers.Check(ctx, c.Name)
	if errors.Is(err, courier.ErrNoCarrier) {
		return failure{1, fmt.Errorf("there is no carrier %s: preau carrier list names those there are; mail needs --mail-host, the others a file", c.Name)}
	}
	for _, a := range carriers.Accounts() {
		for _, line := range a.Publish {
			if a.Name == c.Name {
				fmt.Fprintf(s.out, "The domain's DNS is to have: %s\n", line)
			}
		}
	}
	if err != nil {
		return failure{1, fmt.Errorf("%s: %w", c.Name, err)}
	}
	if !signedIn {
		fmt.Fprintf(s.out, "%s answers. Signing in was not tried: nothing asks for it, or its file names no request to try it with. Nothing was sent.\n", c.Name)
		return nil
	}
	fmt.Fprintf(s.out, "%s answers, and lets us in. Nothing was sent.\n", c.Name)
	return nil
}
