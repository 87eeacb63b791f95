package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// readyWithin is the time a started process has to become ready; a loaded
// machine with two cores needs a small part of it.
const readyWithin = 2 * time.Minute

// plane is one control plane: its folder, its addresses and its processes.
type plane struct {
	dir      string
	server   string
	probe    probe
	children []*child // in the order of starting
}

// newPlane makes the keys, the users and the command lines; it starts nothing.
func newPlane(dir, usersFile string, audit bool) (*plane, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "etcd")); err == nil {
		return nil, fmt.Errorf("%s holds a control plane already", dir)
	}
	users, err := readUsers(usersFile)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	p := &plane{dir: dir, server: fmt.Sprintf("https://127.0.0.1:%d", ports[2])}
	authority, err := p.writeKeys()
	if err != nil {
		return nil, err
	}
	if err := p.writeUsers(authority, users); err != nil {
		return nil, err
	}
	if err := p.describeChildren(ports, audit); err != nil {
		return nil, err
	}
	p.probe, err = newProbe(p.adminKubeconfig())
	return p, err
}

func (p *plane) adminKubeconfig() string {
	return filepath.Join(p.dir, "admin.kubeconfig")
}

// startAll starts one process after the other and waits until the cluster is
// usable: roles bootstrapped and aggregated, the default namespace served.
func (p *plane) startAll(ctx context.Context) error {
	for _, c := range p.children {
		if err := c.start(ctx); err != nil {
			return err
		}
	}
	last := p.children[len(p.children)-1]
	return last.wait(ctx, "a usable cluster", p.probe.usable)
}

// obey carries out one command line of stdin.
func (p *plane) obey(ctx context.Context, line string) error {
	words := strings.Fields(line)
	if len(words) != 2 {
		return errors.New("a command is: stop|kill|start|pause|resume NAME")
	}
	c, err := p.child(words[1])
	if err != nil {
		return err
	}
	switch words[0] {
	case "stop":
		return c.stop()
	case "kill":
		return c.kill()
	case "start":
		return c.start(ctx)
	case "pause":
		return c.pause()
	case "resume":
		return c.resume()
	default:
		return fmt.Errorf("unknown command %q", words[0])
	}
}

func (p *plane) child(name string) (*child, error) {
	for _, c := range p.children {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no process %q", name)
}

func (p *plane) pids() map[string]int {
	pids := map[string]int{}
	for _, c := range p.children {
		pids[c.name] = c.pid()
	}
	return pids
}

// end takes everything down at once. Nobody will read the data again, so
// there is no reason to be gentle and slow.
func (p *plane) end() {
	for _, c := range p.children {
		c.expected.Store(true)
		c.send(syscall.SIGKILL)
	}
	for _, c := range p.children {
		c.join()
	}
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
