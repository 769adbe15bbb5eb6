package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// ErrInstalled: the installation has an operator already.
var ErrInstalled = errors.New("this installation is made already; if its operator cannot get in, preau init --new-code prints a new code")

// Init makes the installation's identity and its first operator, who signs in with the
// code it gives. ErrInstalled when there is one; with newCode a further code for that
// operator.
func (a *App) Init(ctx context.Context, identifier string, newCode bool) (as, code string, until time.Time, err error) {
	now := a.Clock.Now()
	err = a.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		there, err := account.OfSchool(ctx, tx, "", page.Operator)
		if err != nil {
			return err
		}
		if len(there) > 0 && !newCode {
			return ErrInstalled
		}
		if len(there) > 0 {
			as = there[0].Identifier
			code, err = account.IssueCode(ctx, tx, now, there[0].ID)
			return err
		}
		if err := database.Install(ctx, tx, now); err != nil {
			return err
		}
		operator, err := account.Create(ctx, tx, account.Account{Role: page.Operator, Identifier: identifier, CreatedAt: now})
		if err != nil {
			return err
		}
		as = operator.Identifier
		code, err = account.IssueCode(ctx, tx, now, operator.ID)
		return err
	})
	return as, code, now.Add(account.CodeLife), err
}

// Doctor prints the configuration in force and what it finds, and tells whether the
// installation could serve.
func Doctor(ctx context.Context, w io.Writer, c Config, now time.Time) (well bool) {
	well = true
	say := func(what, value string) { fmt.Fprintf(w, "%-16s %s\n", what, value) }
	wrong := func(what string, err error) {
		well = false
		fmt.Fprintf(w, "%-16s WRONG: %v\n", what, err)
	}
	say("version", Version)
	say("data", c.Data)
	say("addr", c.Addr)
	if c.URL != "" {
		say("url", c.URL)
	}
	if secure, err := c.Secure(); err != nil {
		wrong("https", err)
	} else {
		say("https", map[bool]string{true: "yes", false: "no (this machine only)"}[secure])
	}
	switch {
	case len(c.Web.ACME) > 0:
		say("certificate", "by ACME for "+strings.Join(c.Web.ACME, ", "))
	case c.Web.CertFile != "":
		files := &certificateFiles{cert: c.Web.CertFile, key: c.Web.KeyFile}
		if cert, err := files.get(nil); err != nil {
			wrong("certificate", err)
		} else if until := cert.Leaf.NotAfter; now.After(until) {
			wrong("certificate", fmt.Errorf("%s ended on %s: renew it", c.Web.CertFile, until.Format(time.DateOnly)))
		} else {
			say("certificate", fmt.Sprintf("%s until %s", c.Web.CertFile, until.Format(time.DateOnly)))
			if weak := files.weak(); weak != "" {
				say("", weak)
			}
		}
	case len(c.Web.TrustedProxies) > 0:
		say("proxies", strings.Join(c.Web.TrustedProxies, ", ")+" (believed about visitors' addresses)")
	}
	say("state copied to", cmp.Or(c.StatusDir, "nowhere: when this machine is down nobody shows the state (--status-dir)"))
	say("metrics", cmp.Or(c.MetricsAddr, "none (--metrics-addr)"))
	doctorLive(c, say, wrong)
	for _, name := range []string{"", "journal.key", "session.key", "live.key"} {
		if info, err := os.Stat(filepath.Join(c.Data, name)); err == nil && info.Mode().Perm()&0o077 != 0 {
			wrong("permissions", fmt.Errorf("%s can be read by others: chmod go= %s", filepath.Join(c.Data, name), filepath.Join(c.Data, name)))
		}
	}
	carriers, err := c.Carriers(func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		wrong("carriers", err)
	} else if carriers.Pretended() {
		say("carriers", "pretended: nothing can leave the building")
	} else {
		for channel, names := range carriers.Names() {
			say("carriers", fmt.Sprintf("%s by %s", channel, strings.Join(names, ", ")))
		}
		say("carrier files", cmp.Or(c.CarriersDir, filepath.Join(c.Data, "carriers")))
		if m := c.Mail; m.Host != "" {
			say("mail", fmt.Sprintf("%s:%d (%s) from %s, sign-in %s", m.Host, cmp.Or(m.Port, map[string]int{"starttls": 587, "tls": 465, "none": 25}[m.TLS]), m.TLS, m.From, cmp.Or(m.Username, "none")))
			say("signature", cmp.Or(m.DKIMSelector, "none: preau signs nothing (docs/email.md)"))
			say("return path", cmp.Or(m.Return, "the sender: what comes back is not read (docs/email.md)"))
			if m.Return != "" {
				say("mailbox", cmp.Or(m.Box.Host, "none: what comes back is not read (docs/email.md)"))
			}
		}
	}
	if f, there, err := c.Guard(); err != nil {
		wrong("guard", err)
	} else if there {
		say("guard", f.String())
	}
	source, err := c.Source()
	if err != nil {
		wrong("database", err)
		return false
	}
	doctorDatabase(ctx, c, source, say, wrong)
	return well
}

func doctorDatabase(ctx context.Context, c Config, source string, say func(string, string), wrong func(string, error)) {
	db, err := database.OpenExisting(ctx, source)
	if err != nil {
		wrong("database", err)
		return
	}
	defer db.Close()
	say("database", db.Where())
	have, newest, err := db.Versions(ctx)
	switch {
	case err != nil:
		wrong("schema", err)
		return
	case have > newest:
		wrong("schema", database.ErrNewer)
		return
	case have < newest:
		say("schema", fmt.Sprintf("%d, this program has %d: the next start upgrades it, after a backup", have, newest))
		return
	}
	say("schema", fmt.Sprint(have))
	err = db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		schools, err := directory.Schools(ctx, tx)
		if err != nil {
			return err
		}
		say("schools", fmt.Sprint(len(schools)))
		counts, err := courier.Counts(ctx, tx)
		for _, s := range []courier.State{courier.Waiting, courier.Leaving, courier.Unsure} {
			if counts[s] > 0 {
				say("letters", fmt.Sprintf("%d %s", counts[s], s))
			}
		}
		return err
	})
	if err != nil {
		wrong("database", err)
	}
}
