package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

// started is what up prints, as one line of JSON, when everything is ready.
type started struct {
	Server     string         `json:"server"`
	Kubeconfig string         `json:"kubeconfig"`
	Users      string         `json:"users"`
	Dir        string         `json:"dir"`
	Pids       map[string]int `json:"pids"`
}

// up starts a control plane, says where it is, obeys commands from stdin and
// takes everything down again at the end of stdin or at a signal.
func up(arguments []string) (err error) {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	dir := flags.String("dir", "", "a folder for keys, data and logs; made when missing, must not hold a control plane yet")
	usersFile := flags.String("users", "", "CSV of the users: token,user,uid,\"group1,group2\"")
	untilSignal := flags.Bool("until-signal", false, "go on after the end of stdin, until SIGTERM or SIGINT")
	audit := flags.Bool("audit", false, "write DIR/audit.log")
	removeDir := flags.Bool("remove-dir", false, "delete DIR in the end")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("up needs --dir")
	}

	// Children die with the thread that started them (Pdeathsig), so all are
	// started from here, on a thread that lives as long as the process.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	// A reader of stdout that went away is no reason to leave children behind.
	signal.Ignore(syscall.SIGPIPE)
	commands := readCommands(os.Stdin, *untilSignal, stop)

	p, err := newPlane(*dir, *usersFile, *audit)
	if err != nil {
		return err
	}
	defer func() {
		p.end()
		if *removeDir {
			err = errors.Join(err, os.RemoveAll(p.dir))
		}
	}()
	if err := p.startAll(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to end before everything was up
		}
		return err
	}
	line, err := json.Marshal(started{
		Server:     p.server,
		Kubeconfig: p.adminKubeconfig(),
		Users:      filepath.Join(p.dir, "users"),
		Dir:        p.dir,
		Pids:       p.pids(),
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line))

	for {
		select {
		case <-ctx.Done():
			return nil
		case command := <-commands:
			if err := p.obey(ctx, command); err != nil {
				fmt.Println("error:", oneLine(err))
			} else {
				fmt.Println("ok")
			}
		}
	}
}

// readCommands hands on the lines of stdin; at its end it calls stop, unless
// the control plane is to go on until a signal.
func readCommands(stdin io.Reader, untilSignal bool, stop func()) <-chan string {
	commands := make(chan string)
	go func() {
		lines := bufio.NewScanner(stdin)
		for lines.Scan() {
			commands <- lines.Text()
		}
		if !untilSignal {
			stop()
		}
	}()
	return commands
}
