# gnuplot designs-long-by-design.gnuplot   draws designs-long-by-design.svg and designs-long-by-design.png from designs-long-by-design.csv
set datafile separator ','
set terminal unknown
set key off
set grid ytics
set xrange [-0.5:*]
set xtics rotate by -45
set title 'simulated shots of photos_free: the same FLOPs of training for all' noenhanced
set ylabel 'PSNR, dB: mean of four noise levels'
set offsets 0,0.5,graph 0.1,graph 0.05
plot 'designs-long-by-design.csv' using 0:'psnr':xtic(1) with points pt 7
set terminal svg size 900,600 dynamic background 'white'
set output 'designs-long-by-design.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'designs-long-by-design.png'
replot
