# gnuplot vdn-both-crops.gnuplot   draws vdn-both-crops.svg and vdn-both-crops.png from vdn-both-crops.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead bottom right
set title 'crops 512x512, learned from both sets'
set logscale x
set grid
set offsets graph 0.1,graph 0.2,graph 0.05,graph 0.05
set xlabel 'TFLOP of a 12 MP photo'
set ylabel 'PSNR, dB (95 % intervals over seeds)'
plot 37.4769 dt 2 lc 'grey' title 'noisy input', \
  'vdn-both-crops.csv' using (column('flops_12mp')/1e12):(column('is_hyper')==0 ? column('psnr') : NaN):'interval' with yerrorlines lw 2 pt 7 ps 0.7 title 'ordinary convolutions', \
  'vdn-both-crops.csv' using (column('flops_12mp')/1e12):(column('is_hyper')==1 ? column('psnr') : NaN):'interval' with yerrorlines lw 2 pt 7 ps 0.7 title 'HyperConvolutions', \
  'vdn-both-crops.csv' using (column('flops_12mp')/1e12):'psnr':'network' with labels left offset 0.8,0.4 font ',9' notitle
set terminal svg size 900,600 dynamic background 'white'
set output 'vdn-both-crops.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'vdn-both-crops.png'
replot
