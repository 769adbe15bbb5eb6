package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/directory"
)

// difference compares an export with the installation, where there is one.
func (c *importCmd) difference(ctx context.Context, s streams, export *directory.Export) ([]directory.Difference, error) {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Reading})
	if errors.Is(err, app.ErrNoInstallation) {
		fmt.Fprintf(s.err, "there is no installation in %s to compare with: everything would be new\n", c.Data)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return directory.Differences(ctx, a.DB, export, a.Clock.Now())
}

// listed is how many names of one kind are printed; the JSON has all.
const listed = 30

func writeDifference(w io.Writer, d directory.Difference) {
	if d.Refused != "" {
		fmt.Fprintf(w, "%s %s would not be taken: %s\n", d.UAI, d.Name, d.Refused)
		return
	}
	if d.Empty() {
		fmt.Fprintf(w, "%s %s: nothing would change; %d may be told\n", d.UAI, d.Name, d.ToldAfter)
		return
	}
	what := ""
	if d.New {
		what = " (a new school)"
	}
	fmt.Fprintf(w, "%s %s%s:\n", d.UAI, d.Name, what)
	for _, one := range []struct {
		kind string
		of   directory.Changes
	}{{"pupils", d.Pupils}, {"adults", d.Adults}, {"staff", d.Staff}} {
		list(w, "+", one.kind+" added", one.of.Added)
		list(w, "~", one.kind+" changed", one.of.Changed)
		list(w, "-", one.kind+" who left", one.of.Left)
	}
	links := func(sign, what string, of []directory.LinkChange) {
		var lines []string
		for _, l := range of {
			level := string(l.To)
			switch {
			case l.To == "":
				level = string(l.From)
			case l.From != "" && l.From != l.To:
				level = string(l.From) + " → " + string(l.To)
			}
			lines = append(lines, fmt.Sprintf("%s, of %s (%s)", l.Adult, l.Pupil, level))
		}
		list(w, sign, what, lines)
	}
	links("+", "links gained", d.LinksGained)
	links("~", "links changed", d.LinksChanged)
	links("-", "links lost", d.LinksLost)
	told := func(sign, what string, of []directory.ToldChange) {
		var lines []string
		for _, t := range of {
			lines = append(lines, fmt.Sprintf("%s, about %s", t.Who, t.Pupil))
		}
		list(w, sign, what, lines)
	}
	told("+", "may be told from now on", d.ToldGained)
	told("-", "may no longer be told", d.ToldLost)
	fmt.Fprintf(w, "  may be told: %d before, %d after\n", d.ToldBefore, d.ToldAfter)
	if d.Loss != "" {
		fmt.Fprintf(w, "  held back: %s\n", d.Loss)
	}
}

func list(w io.Writer, sign, what string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "  %d %s\n", len(lines), what)
	for _, l := range lines[:min(len(lines), listed)] {
		fmt.Fprintf(w, "    %s %s\n", sign, l)
	}
	if n := len(lines) - listed; n > 0 {
		fmt.Fprintf(w, "    … and %d more: --json has all\n", n)
	}
}

// undo puts a school back to before its last import.
func (c *importCmd) undo(ctx context.Context, s streams) error {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Writing})
	if err != nil {
		return err
	}
	defer a.Close()
	u, err := a.UndoImport(ctx, c.Undo, "command")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is as it was before the import of %s: %d rows put back or taken away, %d people who had come with it are gone\n",
		c.Undo, u.Import.At.Local().Format("2 January 2006, 15:04"), u.Rows, u.Added)
	return nil
}
