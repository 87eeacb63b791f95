package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// stopWithin is the patience with a server that waits for its open watches.
const stopWithin = 3 * time.Second

// child is one process of the control plane, which may be started many times.
type child struct {
	name      string
	arguments []string
	log       string
	ready     func(context.Context) error

	process  *os.Process   // nil before the first start
	exited   chan struct{} // closed when process is gone
	expected atomic.Bool   // we told it to end
}

// start runs the process and waits until it is ready.
func (c *child) start(ctx context.Context) error {
	if c.running() {
		return fmt.Errorf("%s is running", c.name)
	}
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()

	// The very file that we run, even when a newer one was built meanwhile.
	command := exec.Command("/proc/self/exe", append([]string{c.name}, c.arguments...)...)
	command.Args[0] = "controlplane"
	command.Dir = filepath.Dir(c.log)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL, // dies with us, however we die
		Setpgid:   true,            // a Ctrl-C is for us to answer
	}
	if err := command.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	c.process, c.exited = command.Process, exited
	c.expected.Store(false)
	go func() {
		if err := command.Wait(); !c.expected.Load() {
			fmt.Fprintf(os.Stderr, "%s ended by itself (%v), see %s\n", c.name, err, c.log)
		}
		close(exited)
	}()
	return c.wait(ctx, "ready", c.ready)
}

// wait polls a condition until it holds, the process ends or time is up.
func (c *child) wait(ctx context.Context, what string, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		attempt, done := context.WithTimeout(ctx, 2*time.Second)
		err := condition(attempt)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-c.exited:
			return fmt.Errorf("%s ended before it was %s, see %s", c.name, what, c.log)
		case <-ctx.Done():
			return fmt.Errorf("%s not %s: %w, see %s", c.name, what, err, c.log)
		case <-tick.C:
		}
	}
}

// stop asks the process to end, and makes it end when it takes too long.
func (c *child) stop() error {
	c.expected.Store(true)
	if err := c.send(syscall.SIGTERM); err != nil {
		return err
	}
	c.send(syscall.SIGCONT) // a paused process could not answer
	select {
	case <-c.exited:
		return nil
	case <-time.After(stopWithin):
		return c.kill()
	}
}

// kill ends the process without asking.
func (c *child) kill() error {
	c.expected.Store(true)
	if err := c.send(syscall.SIGKILL); err != nil {
		return err
	}
	c.join()
	return nil
}

func (c *child) pause() error  { return c.send(syscall.SIGSTOP) }
func (c *child) resume() error { return c.send(syscall.SIGCONT) }

func (c *child) send(signal os.Signal) error {
	if !c.running() {
		return fmt.Errorf("%s is not running", c.name)
	}
	err := c.process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		return nil // it has ended this moment, which is as good
	}
	return err
}

// join waits for the end of a process that was started.
func (c *child) join() {
	if c.process != nil {
		<-c.exited
	}
}

func (c *child) running() bool {
	if c.process == nil {
		return false
	}
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

func (c *child) pid() int {
	if c.process == nil {
		return 0
	}
	return c.process.Pid
}
