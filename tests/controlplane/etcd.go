package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd runs a single etcd member that never waits for the disk: the data
// survives a killed process, not a killed machine, which is all tests need.
// So it ends at once when told to, without waiting for its clients.
func runEtcd(arguments []string) error {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	dir := flags.String("data-dir", "", "where the data is kept")
	client := flags.String("client-url", "", "URL to serve clients on")
	peer := flags.String("peer-url", "", "URL to serve peers on")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	clientURL, err := url.Parse(*client)
	if err != nil {
		return err
	}
	peerURL, err := url.Parse(*peer)
	if err != nil {
		return err
	}

	config := embed.NewConfig()
	config.Dir = *dir
	config.UnsafeNoFsync = true
	config.LogLevel = "warn"
	config.ListenClientUrls = []url.URL{*clientURL}
	config.AdvertiseClientUrls = []url.URL{*clientURL}
	config.ListenPeerUrls = []url.URL{*peerURL}
	config.AdvertisePeerUrls = []url.URL{*peerURL}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// A loopback member elects itself; no need for the default second.
	config.TickMs = 20
	config.ElectionMs = 200

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	select {
	case <-server.Server.ReadyNotify():
		fmt.Println("ready")
	case err := <-server.Err():
		return err
	case <-time.After(time.Minute):
		return fmt.Errorf("etcd not ready after a minute")
	case <-signals:
		return nil
	}
	select {
	case err := <-server.Err():
		return err
	case <-signals:
		return nil
	}
}
