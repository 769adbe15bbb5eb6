package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/preau-ent/preau/internal/app"
)

type demoCmd struct {
	Data string `help:"Folder to keep the school in; empty: a temporary folder, removed at the end." type:"path"`
	Addr string `help:"Address to listen on." default:"127.0.0.1:8080"`
}

func (c *demoCmd) Run(ctx context.Context, s streams) error {
	data := c.Data
	if data == "" {
		dir, err := os.MkdirTemp("", "preau-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		data = filepath.Join(dir, "data")
	}
	log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	d, err := app.OpenDemo(ctx, app.Config{Data: data, Addr: c.Addr}, log)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Serve(ctx, func(addr string) {
		fmt.Fprintf(s.out, "\n  Préau, a demonstration: %s\n  Everybody in it is fictional, and nothing leaves this machine.\n\n  http://%s\n\n", d.School, addr)
		w := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', 0)
		fmt.Fprintf(w, "  who\tidentifier\tpassword\n")
		for _, p := range d.People {
			fmt.Fprintf(w, "  %s, %s\t%s\t%s\n", p.Name, p.Role, p.Identifier, p.Password)
		}
		w.Flush()
		fmt.Fprintf(s.out, "\n  It is %s there; a button moves the clock. The letters: http://%s/courrier\n  Ctrl+C ends it.\n", d.Time(), addr)
	})
}
