// Package peers starts programs that we did not write, so that our own code can
// be tested against something that does not share its mistakes.
//
// A letter is counted by the peer, never by our log: [MailServer.Messages] lists
// what the mail server has read to the last byte, whatever it answered. The
// package installs nothing. Where Node.js or the npm packages are missing, its
// functions fail in one line that says "run make setup"; they never skip.
//
// Headless Chromium and the accessibility checker are in package browser beneath.
package peers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Folder returns this module's peers folder, looked up from the working
// directory upwards: tests run in the folder of their package.
func Folder() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("peers: %w", err)
	}
	for {
		folder := filepath.Join(at, "peers")
		if _, err := os.Stat(filepath.Join(folder, "smtp-peer.mjs")); err == nil {
			return folder, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", errors.New("peers: no folder peers/ here or above: run from inside the repository")
		}
		at = up
	}
}

// Installed returns the folder of an npm package that peers/package.json names,
// or an error that says what to do.
func Installed(name string) (string, error) {
	folder, err := Folder()
	if err != nil {
		return "", err
	}
	installed := filepath.Join(folder, "node_modules", filepath.FromSlash(name))
	if _, err := os.Stat(filepath.Join(installed, "package.json")); err != nil {
		return "", fmt.Errorf("peers: the npm package %s is not installed: run make setup", name)
	}
	return installed, nil
}

// node returns the path of the Node.js program, or an error that says what to do.
func node() (string, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", errors.New("peers: Node.js (the program node) is missing: run make setup")
	}
	return path, nil
}
