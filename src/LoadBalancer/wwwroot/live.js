// A page whose load balancer is gone asks for it every second, however long it takes: Blazor would soon ask twice a minute and
// then never again. The load balancer that answers is a new one and knows nothing of this page, so the page is loaded anew.
document.getElementById('components-reconnect-modal').addEventListener('components-reconnect-state-changed', change => {
    if (change.detail.state === 'rejected') {
        location.reload();
    }
});
Blazor.start({ circuit: { reconnectionOptions: { maxRetries: Infinity, retryIntervalMilliseconds: 1000 } } });
