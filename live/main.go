// Command preau-live is the engine of the live classes: it carries sound and picture
// between people that preau let in, and knows nothing else. preau starts it as its child and
// tells it everything; alone it is of no use.
//
// It promises to speak to nobody but those in a class: it keeps no state, records nothing,
// holds no credential of the school, asks no third party for anything, and ends with its
// parent. What carries the classes is LiveKit's server as a library; it lives in a module of
// its own because it would make preau twice as long to build and as large in memory.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/livekit/livekit-server/pkg/routing"
	"github.com/livekit/livekit-server/pkg/service"
	"github.com/livekit/livekit-server/pkg/telemetry/prometheus"
	"github.com/livekit/livekit-server/version"
	"github.com/livekit/protocol/logger"
)

// farewell is how long people in a class may take to be told that the engine stops; they
// then come back by themselves.
const farewell = 2 * time.Second

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("preau-live with livekit-server", version.Version)
		return
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := run(os.Stdin, os.Stdout, log); err != nil {
		log.Error("the engine could not serve", "err", err.Error())
		os.Exit(1)
	}
}

// drain is an order that the parent says after the settings, one a line. When it says nothing more
// because it is no longer there, the engine stops.
const drain = "drain"

// run reads settings from in, serves until in ends or a drain has let everybody finish, and
// writes one line to out when it serves.
func run(in io.Reader, out io.Writer, log *slog.Logger) error {
	orders := bufio.NewReader(in)
	s, err := readSettings(orders)
	if err != nil {
		return err
	}
	logger.SetLogger(logger.LogRLogger(logr.FromSlogHandler(log.Handler())), "engine")
	conf, err := s.engine()
	if err != nil {
		return err
	}
	node, err := routing.NewLocalNode(conf)
	if err != nil {
		return fmt.Errorf("the engine's own address: %w", err)
	}
	if err := prometheus.Init(string(node.NodeID()), node.NodeType()); err != nil {
		return fmt.Errorf("the engine's figures: %w", err)
	}
	server, err := service.InitializeServer(conf, node)
	if err != nil {
		return fmt.Errorf("the engine did not start (are UDP %d and TCP %d free?): %w", s.UDP, s.TCP, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Start() }()
	if err := untilItServes(server, ended); err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(serving{Address: node.NodeIP(), Engine: version.Version}); err != nil {
		return fmt.Errorf("the parent does not hear that the engine serves: %w", err)
	}
	go func() {
		for {
			line, err := orders.ReadString('\n')
			if err != nil {
				break // the parent stopped us, or is no longer there
			}
			if line == drain+"\n" {
				go server.Stop(false)
			}
		}
		time.AfterFunc(farewell, func() { os.Exit(0) })
		server.Stop(true)
	}()
	return <-ended
}

// serving is what the parent reads once the engine serves.
type serving struct {
	Address string `json:"address"` // that people's sound and picture come to
	Engine  string `json:"engine"`
}

// untilItServes waits for the engine: a Stop before that would be lost on it.
func untilItServes(server *service.LivekitServer, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !server.IsRunning() {
		select {
		case err := <-ended:
			return errors.Join(errors.New("the engine ended as it started"), err)
		case <-ctx.Done():
			return errors.New("the engine did not start within 20 s")
		case <-tick.C:
		}
	}
	return nil
}
