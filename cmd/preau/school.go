package main

import (
	"context"
	"fmt"

	"github.com/preau-ent/preau/internal/app"
)

// schoolCmd is about one school of an installation.
type schoolCmd struct {
	Decommission decommissionCmd `cmd:"" help:"End a school here for good: nothing leaves, accounts are closed, contacts are erased."`
}

type decommissionCmd struct {
	app.Config `embed:""`
	Name       string `help:"The school's own name, typed in full by whoever decides." required:""`
	UAI        string `arg:"" help:"The school's number."`
}

func (c *decommissionCmd) Run(ctx context.Context, s streams) error {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Writing})
	if err != nil {
		return err
	}
	defer a.Close()
	d, err := a.Decommission(ctx, c.UAI, c.Name, "command")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s has left. %d letters that waited are void, %d accounts are closed, %d addresses are erased. No import and no backup brings it back.\nThe register and the journal stay for as long as the law says. Take the carriers' accounts of this school back from their providers, too.\n",
		d.School.Name, d.Letters, d.Accounts, d.Contacts)
	return nil
}
